import { toast } from "./toast";

export async function copy(text: string, what: string): Promise<void> {
  await toClipboard(text);
  toast(`${what} copied`);
}

/** The clipboard API is missing on http://192.168.…, where most self-hosted pages live. */
export async function toClipboard(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = document.createElement("textarea");
    box.value = text;
    box.style.position = "fixed";
    box.style.opacity = "0";
    // Behind an open dialog nothing can be selected.
    (document.querySelector("dialog[open]") ?? document.body).append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
}
