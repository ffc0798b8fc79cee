/// Builds the studio into ../src/safelight/static, which the Python package serves.
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * The one font every first view needs starts loading with the page, not after the style sheet:
 * otherwise the text is set twice and moves (0.08 layout shift, measured).
 */
function preloadFont(): Plugin {
  return {
    name: "preload-font",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle }) {
        const font = Object.keys(bundle ?? {}).find((name) =>
          /hanken-grotesk-latin-wght.*\.woff2$/.test(name),
        );
        if (!font) return [];
        return [
          {
            tag: "link",
            injectTo: "head",
            attrs: {
              rel: "preload",
              as: "font",
              type: "font/woff2",
              href: `/${font}`,
              crossorigin: true,
            },
          },
        ];
      },
    },
  };
}

/**
 * Layers rank in the order in which the browser first hears of them. A chunk shared by two pages can bring
 * its style sheet before the one that states the order, and the reset would win over the parts.
 */
function layerOrderFirst(): Plugin {
  return {
    name: "layer-order-first",
    enforce: "post",
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === "asset" && file.fileName.endsWith(".css")) {
          file.source = `@layer reset,base,parts;${file.source}`;
        }
      }
    },
  };
}

// `node --run dev` shows the studio with hot reload on a server started with `safelight serve`.
const server = process.env.SAFELIGHT_DEV_SERVER ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), preloadFont(), layerOrderFirst()],
  resolve: { alias: { "@gen": here("./gen"), "@": here("./src") } },
  css: { transformer: "lightningcss", modules: { generateScopedName: "[name]_[local]_[hash:4]" } },
  build: {
    outDir: process.env.SAFELIGHT_STATIC ?? here("../src/safelight/static"),
    emptyOutDir: true,
    target: ["chrome111", "firefox114", "safari16.4"],
    cssMinify: "lightningcss",
    // A font or icon inlined as data: would need `data:` in font-src; keep every asset a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // One file for what every page needs: split by who shares what, the same code took 4 kB more. Forms and
        // what floats are not part of the first view.
        codeSplitting: {
          groups: [
            {
              name: "base",
              test: /node_modules[\\/](?!@(base|floating)-ui)|src[\\/]shared[\\/](api|ui)[\\/](?!Popup|tabStops)/,
            },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": server, "/media": server, "/docs": server, "/openapi.json": server } },
});
