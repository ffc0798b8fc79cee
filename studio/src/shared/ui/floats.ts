/**
 * Where floating things are put: inside the page's <main>, so that they belong to a landmark. A ref, because
 * buttons are drawn before the place exists.
 */
import { createRef } from "react";

export const floats = createRef<HTMLDivElement>();
