import { ImagePlus } from "lucide-react";
import { useRef } from "react";
import { IconButton } from "@/shared/ui/Button";
import styles from "./composer.module.css";

/** Opens the file picker; on a phone, the pictures and the camera. */
export function AddReference({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton
        label="Add a reference"
        className={styles.add}
        onClick={() => input.current?.click()}
      >
        <ImagePlus aria-hidden />
      </IconButton>
      <input
        ref={input}
        type="file"
        accept="image/*"
        multiple
        hidden
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          // The same file can be chosen again after it was removed.
          event.target.value = "";
        }}
      />
    </>
  );
}
