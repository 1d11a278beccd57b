// The prebuilt contracts, as each build of each version of ink!.
import { readFileSync } from 'node:fs';

const folder = new URL('../../contracts/prebuilt/', import.meta.url);

export const builds = ['', '.unoptimised', '.o4'];

// bundle is metadata and code of one contract. The default build comes out of the .contract file, as users have it.
export function bundle(ink, name, build = '') {
  const read = (file) => readFileSync(new URL(`${ink}/${name}/${file}`, folder));
  if (build === '') {
    const abi = JSON.parse(read(`${name}.contract`));
    return { abi, wasm: abi.source.wasm };
  }
  return { abi: JSON.parse(read(`${name}.json`)), wasm: `0x${read(`${name}${build}.wasm`).toString('hex')}` };
}
