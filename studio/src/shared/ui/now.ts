import { useEffect, useState } from "react";
import { serverNow } from "@/shared/api/clock";

/** The server's time, again every second while `running`. */
export function useNow(running: boolean): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    if (!running) return;
    setNow(serverNow());
    const timer = window.setInterval(() => setNow(serverNow()), 1000);
    return () => window.clearInterval(timer);
  }, [running]);
  return now;
}
