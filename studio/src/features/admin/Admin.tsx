/** For whoever runs this server: what stands around its pages. */
import { Link, Outlet } from "@tanstack/react-router";
import page from "@/shared/ui/page.module.css";
import styles from "./admin.module.css";

export function Admin() {
  return (
    <div className={page.page}>
      <nav aria-label="Admin" className={styles.tabs}>
        <Link to="/admin/queue">Queue</Link>
        <Link to="/admin/dead-letters">Dead letters</Link>
        <Link to="/admin/accounts">Accounts</Link>
      </nav>
      <Outlet />
    </div>
  );
}
