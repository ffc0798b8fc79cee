/** Pictures that were deleted while they were attached. */
import { useEffect, useRef } from "react";
import { Trouble } from "@/shared/api/client";
import type { Asset } from "@/shared/api/types";

type Asked = { data: Asset | undefined; error: Error | null };

/**
 * In the trash the server still tells of it, and after that no more; nothing can start from it either way. Returns
 * whether that is so: its links have ended, too, and are not to be asked for.
 */
export function useGone({ data, error }: Asked, leave: () => void): boolean {
  const gone =
    Boolean(data?.deleted_at) || (error instanceof Trouble && error.code === "not_found");
  const latest = useRef(leave);
  latest.current = leave;
  useEffect(() => {
    if (gone) latest.current();
  }, [gone]);
  return gone;
}
