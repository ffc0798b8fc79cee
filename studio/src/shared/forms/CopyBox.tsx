/** Something to be taken elsewhere: its text, whole, and a button that copies it and says so. */
import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { Button } from "@/shared/ui/Button";
import { toClipboard } from "@/shared/ui/clipboard";
import styles from "./copybox.module.css";

const SAID_MS = 2500;

export function CopyBox({ label, text }: { label: string; text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await toClipboard(text);
    setCopied(true);
    window.setTimeout(() => setCopied(false), SAID_MS);
  };
  return (
    <section className={styles.box} aria-label={label}>
      <div className={styles.head}>
        <h3>{label}</h3>
        <Button look="outline" aria-label={`Copy: ${label}`} onClick={copy}>
          {copied ? <Check aria-hidden /> : <Copy aria-hidden />}
          <span role="status">{copied ? "Copied" : "Copy"}</span>
        </Button>
      </div>
      <pre>{text}</pre>
    </section>
  );
}
