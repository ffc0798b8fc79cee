import type { ButtonHTMLAttributes, Ref } from "react";
import styles from "./button.module.css";

type Look = "plain" | "outline" | "primary";

export const buttonClass = (
  look: Look = "plain",
  size: "dense" | "large" = "dense",
  icon = false,
): string =>
  [
    styles.button,
    look === "outline" && styles.outline,
    look === "primary" && styles.primary,
    size === "large" && styles.large,
    icon && styles.icon,
  ]
    .filter(Boolean)
    .join(" ");

type Props = ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: Look;
  size?: "dense" | "large";
  ref?: Ref<HTMLButtonElement>;
};

export function Button({ look = "plain", size = "dense", className, ...rest }: Props) {
  return (
    <button
      type="button"
      data-look={look}
      className={`${buttonClass(look, size)} ${className ?? ""}`}
      {...rest}
    />
  );
}

/** A button that is only a picture: its name is said, and shown on hover. */
export function IconButton({
  label,
  look = "plain",
  size = "dense",
  className,
  ...rest
}: Props & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`${buttonClass(look, size, true)} ${className ?? ""}`}
      {...rest}
    />
  );
}
