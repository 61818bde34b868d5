// `node build.mjs` writes dist/privet.js, the client, and dist/page.js, the applicant's page with the client in it; `node build.mjs --tests` writes the tests into build/test. Same sources, same bytes.

import { readFileSync, readdirSync } from "node:fs";
import { build } from "esbuild";

const common = { bundle: true, format: "esm", target: "es2022", charset: "utf8" };

if (process.argv.includes("--tests")) {
  const tests = readdirSync("test").filter((name) => name.endsWith(".test.ts"));
  await build({
    ...common,
    entryPoints: tests.map((name) => `test/${name}`),
    outdir: "build/test",
    platform: "node",
  });
} else {
  const license = readFileSync("node_modules/@noble/hashes/LICENSE", "utf8").trim();
  await build({
    ...common,
    banner: { js: `/*! privet, Apache-2.0. With @noble/hashes:\n\n${license}\n*/` },
    entryPoints: { privet: "src/index.ts", page: "page/main.ts" },
    outdir: "dist",
    platform: "browser",
  });
}
