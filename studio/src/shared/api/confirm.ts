/**
 * Some deeds need a password that was given lately: the server says so, the person is asked for it, and the same
 * request goes out once more.
 */
import { answered, Trouble } from "./client";

type Call<T> = Parameters<typeof answered<T>>[0];
/** True once the person has proved who they are; false when they would rather not. */
type Ask = () => Promise<boolean>;

let ask: Ask = () => Promise.resolve(false);

/** By whoever can show the question. */
export function askedBy(how: Ask): () => void {
  ask = how;
  return () => {
    if (ask === how) ask = () => Promise.resolve(false);
  };
}

export async function confirmed<T>(call: () => Call<T>): Promise<T> {
  try {
    return await answered(call());
  } catch (error) {
    if (!(error instanceof Trouble) || error.kind !== "confirmation_needed") throw error;
    if (await ask()) return answered(call());
    throw new Trouble(error.code, error.title, "Nothing was changed.");
  }
}
