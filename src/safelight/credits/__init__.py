"""Who pays: accounts, grants, holds, and the double-entry ledger."""
