// web/report/vite.config.ts -- builds the page into one file; the command fills its data in.
// SPDX-License-Identifier: MIT
import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

export default defineConfig({
  plugins: [viteSingleFile({ removeViteModuleLoader: true })],
  build: { target: "es2022", modulePreload: false, reportCompressedSize: false, emptyOutDir: true },
  logLevel: "warn",
});
