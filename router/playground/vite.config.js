// Builds the page so that it runs under a strict policy: every file comes from the router itself, nothing is inline. The router sends texts
// compressed, so they are built in like that.
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  plugins: [react(), withoutFonts(), packed()],
  worker: { format: "es" },
  build: {
    // The themes need light-dark(), which older browsers lack.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 8000,
    rolldownOptions: { onwarn: (warning, warn) => (warning.code === "MODULE_LEVEL_DIRECTIVE" ? undefined : warn(warning)) },
  },
  server: {
    proxy: { "/graphql": { target: "http://127.0.0.1:4000", ws: true }, "/playground": "http://127.0.0.1:4000" },
  },
});

/** GraphiQL's styles have 300 KB of fonts in them. The system's will do. */
function withoutFonts() {
  return {
    name: "without-fonts",
    enforce: "pre",
    transform: (code, id) => (/graphiql.*\.css$/.test(id) ? code.replace(/@font-face\s*{[^}]*}/g, "") : undefined),
  };
}

/** Replaces each text by its compressed form, NAME.br. */
function packed() {
  return {
    name: "packed",
    apply: "build",
    async writeBundle({ dir }) {
      for (const name of await readdir(dir, { recursive: true })) {
        if (!/\.(js|css|html|svg|ttf)$/.test(name)) continue;
        const file = join(dir, name);
        await writeFile(`${file}.br`, await promisify(brotliCompress)(await readFile(file)));
        await rm(file);
      }
    },
  };
}
