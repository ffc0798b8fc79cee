/** Every key that does something. */
import { useState } from "react";
import { Modal } from "@/shared/ui/Modal";
import { lettersOn, setLettersOn } from "@/shared/ui/shortcuts";
import styles from "./help.module.css";

const tables: readonly { where: string; keys: readonly (readonly [string, string])[] }[] = [
  {
    where: "Anywhere",
    keys: [
      ["/", "To the prompt"],
      ["G C · G G · G H", "Create · Gallery · History"],
      ["Shift X", "Cancel the newest job"],
      ["?", "This list"],
      ["Esc", "Close, leave the field"],
    ],
  },
  {
    where: "Prompt",
    keys: [
      ["Enter", "Send"],
      ["Shift Enter", "New line"],
      ["Alt ↑ · Alt ↓", "Earlier prompts"],
      ["Ctrl V", "A copied picture as reference"],
    ],
  },
  {
    where: "Gallery",
    keys: [
      ["← ↑ ↓ →", "Move"],
      ["Enter", "Open"],
      [".", "Star"],
      ["Del", "Delete, with undo"],
      ["+ · −", "Larger · smaller"],
    ],
  },
  {
    where: "Picture",
    keys: [
      ["← · →", "Newer · older"],
      ["Z", "Full size"],
      ["I", "Facts"],
      ["D", "Download"],
      ["E", "Use as reference"],
      [".", "Star"],
    ],
  },
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Modal title="Keyboard" onClose={onClose}>
      <div className={styles.tables}>
        {tables.map(({ where, keys }) => (
          <section key={where}>
            <h3>{where}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>{what}</dt>
                  <dd>{key}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <Letters />
    </Modal>
  );
}

function Letters() {
  const [on, setOn] = useState(lettersOn);
  return (
    <label className={styles.switch}>
      <input
        type="checkbox"
        checked={on}
        onChange={(event) => {
          setLettersOn(event.target.checked);
          setOn(event.target.checked);
        }}
      />
      Single keys work when no field has the focus
    </label>
  );
}
