/** Searches as one types, a moment after the last letter. */
import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import styles from "./search.module.css";

type Props = { label: string; value: string; onChange: (value: string) => void };

const PAUSE_MS = 250;

export function SearchField({ label, value, onChange }: Props) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  const latest = useRef(onChange);
  latest.current = onChange;

  // The address changed some other way: back, a link, "Clear filters".
  useEffect(() => {
    if (value !== sent.current) {
      sent.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    if (text.trim() === sent.current) return;
    const timer = window.setTimeout(() => {
      sent.current = text.trim();
      latest.current(text.trim());
    }, PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [text]);

  return (
    <div className={styles.search}>
      <Search aria-hidden />
      <input
        type="search"
        enterKeyHint="search"
        aria-label={label}
        placeholder={label}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          if (text) setText("");
          else event.currentTarget.blur();
        }}
      />
      {text && (
        <button type="button" aria-label="Clear the search" onClick={() => setText("")}>
          <X aria-hidden />
        </button>
      )}
    </div>
  );
}
