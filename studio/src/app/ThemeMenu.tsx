/** Light, dark or the system's. */
import { Monitor, Moon, Sun } from "lucide-react";
import { Panel } from "@/shared/ui/Panel";
import { setTheme, type Theme, useTheme } from "@/shared/ui/theme";
import styles from "./shell.module.css";

const themes: readonly { value: Theme; name: string; Icon: typeof Sun }[] = [
  { value: "system", name: "As the system", Icon: Monitor },
  { value: "light", name: "Light", Icon: Sun },
  { value: "dark", name: "Dark", Icon: Moon },
];

export function ThemeMenu() {
  const theme = useTheme();
  const Icon = themes.find((one) => one.value === theme)?.Icon ?? Monitor;
  return (
    <Panel
      title="Theme"
      width={200}
      trigger={
        <button type="button" className={styles.page}>
          <Icon aria-hidden />
          Theme
        </button>
      }
    >
      <ThemeChoice />
    </Panel>
  );
}

export function ThemeChoice() {
  const theme = useTheme();
  return (
    <fieldset className={styles.themes}>
      <legend>Theme</legend>
      {themes.map(({ value, name, Icon }) => (
        <label key={value}>
          <input
            type="radio"
            name="theme"
            value={value}
            checked={theme === value}
            onChange={() => setTheme(value)}
          />
          <Icon aria-hidden />
          {name}
        </label>
      ))}
    </fieldset>
  );
}
