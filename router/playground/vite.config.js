// Builds the page so that it runs under a strict policy: every file comes from the router itself, nothing is inline.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  plugins: [react()],
  worker: { format: "es" },
  build: {
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 8000,
  },
  server: {
    proxy: { "/graphql": "http://127.0.0.1:4000", "/playground": "http://127.0.0.1:4000" },
  },
});
