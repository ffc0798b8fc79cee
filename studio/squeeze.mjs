// Writes a .br and a .gz beside every text file of the build, so that the server only has to pick one.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const folder =
  process.env.SAFELIGHT_STATIC ??
  fileURLToPath(new URL("../src/safelight/static", import.meta.url));
const squeezable = /\.(html|js|css|svg|json|webmanifest|txt)$/;

for (const name of readdirSync(folder, { recursive: true })) {
  const path = join(folder, name);
  if (!squeezable.test(path) || !statSync(path).isFile()) continue;
  const bytes = readFileSync(path);
  const brotli = brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  // A tiny file can grow; then the plain one is the better answer.
  if (brotli.length < bytes.length) writeFileSync(`${path}.br`, brotli);
  const gzip = gzipSync(bytes, { level: 9 });
  if (gzip.length < bytes.length) writeFileSync(`${path}.gz`, gzip);
}
