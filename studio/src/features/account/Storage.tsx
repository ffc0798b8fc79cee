import { bytes } from "@/shared/ui/format";
import styles from "./account.module.css";
import { Section } from "./Section";

type Props = { used: number; max: number | null };

/** How much room the pictures take, of how much there is. */
export function Storage({ used, max }: Props) {
  const share = max ? Math.min(1, used / max) : null;
  return (
    <Section title="Storage">
      <p className={styles.used}>
        <strong>{bytes(used)}</strong>
        {max ? ` of ${bytes(max)}` : " used"}
      </p>
      {share !== null && (
        <meter
          className={styles.meter}
          aria-label="Storage used"
          min={0}
          max={1}
          high={0.9}
          value={share}
        />
      )}
      {share !== null && share > 0.9 && (
        <p className={styles.warning}>Almost full. Delete pictures in the gallery to make room.</p>
      )}
    </Section>
  );
}
