/** Parts of the studio that are fetched when somebody reaches for them. */
const AGAIN_MS = 2000;

/**
 * While the server is away a part is waited for, and the page stays as it is, with all that is in it. Rejects when
 * the server is there and the part does not come.
 */
export function part<T>(load: () => Promise<T>): () => Promise<T> {
  let coming: Promise<T> | undefined;
  return () => {
    coming ??= fetched(load, 1).catch((error) => {
      coming = undefined;
      throw error;
    });
    return coming;
  };
}

async function fetched<T>(load: () => Promise<T>, triesMore: number): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const page = await fetch("/", { cache: "no-store" }).then(
      (answer) => (answer.ok ? answer.text() : null),
      () => null,
    );
    // A new version was installed, and what this one asks for is gone: start over with the new one.
    if (page !== null && !page.includes(ownEntry())) window.location.reload();
    else if (page !== null && triesMore === 0) throw error;
    await new Promise((go) => window.setTimeout(go, AGAIN_MS));
    askAgainForStyles();
    return fetched(load, page === null ? triesMore : triesMore - 1);
  }
}

const ownEntry = (): string =>
  document.querySelector("script[type=module]")?.getAttribute("src") ?? "";

/** Vite asks for a style sheet once, and takes it for there when it did not come. */
function askAgainForStyles(): void {
  for (const link of document.querySelectorAll<HTMLLinkElement>("link[rel=stylesheet]"))
    if (!link.sheet) link.replaceWith(link.cloneNode());
}

/** Once the page stands and has nothing better to do. */
export function whenIdle(act: () => void): void {
  const soon = () =>
    // Safari has no word for it.
    "requestIdleCallback" in window
      ? window.requestIdleCallback(act, { timeout: 2000 })
      : setTimeout(act, 500);
  if (document.readyState === "complete") soon();
  else window.addEventListener("load", soon, { once: true });
}
