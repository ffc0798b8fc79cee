"""The ledger: grants, holds, refunds, allowances, and what must be true of them at every moment."""
