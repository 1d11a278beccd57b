// Sends one extrinsic and tells how it went.

// send signs, submits and waits until the extrinsic is final. It resolves with its statuses, events and hash of block; a
// refusal by the node rejects.
export function send(tx, signer, options = {}) {
  return new Promise((resolve, reject) => {
    const statuses = [];
    let stop;
    stop = tx.signAndSend(signer, options, (result) => {
      statuses.push(result.status.type);
      if (result.isError) reject(new Error(`the extrinsic ended as ${result.status.type}`));
      if (!result.status.isFinalized) return;
      stop.then((f) => {
        f();
        resolve({ result, statuses, events: result.events.map(({ event }) => event), block: result.status.asFinalized, hash: result.txHash, error: result.dispatchError });
      });
    });
    stop.catch(reject);
  });
}

// named is section.name of an event, or of a module error.
export const named = ({ section, method, name }) => `${section}.${name ?? method}`;

// moduleError is what a dispatch error says in words, from the metadata.
export function moduleError(api, error) {
  if (!error?.isModule) return undefined;
  const meta = api.registry.findMetaError(error.asModule);
  return { name: `${meta.section}.${meta.name}`, docs: meta.docs.join(' ') };
}
