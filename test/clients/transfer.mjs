#!/usr/bin/env node
// Sends tokens on a development chain and waits until they have arrived:
//   node test/clients/transfer.mjs [URL [FROM [TO [UNITS]]]]
//   node test/clients/transfer.mjs ws://127.0.0.1:9944 //Alice //Bob 5
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { send } from './send.mjs';

const [url = 'ws://127.0.0.1:9944', from = '//Alice', to = '//Bob', units = '1'] = process.argv.slice(2);

await cryptoWaitReady();
const api = await ApiPromise.create({ provider: new WsProvider(url), noInitWarn: true });
const keyring = new Keyring({ type: 'sr25519' });
const sender = keyring.addFromUri(from);
const receiver = to.startsWith('/') ? keyring.addFromUri(to).address : to;
const decimals = BigInt(api.registry.chainDecimals[0]);

const { block, events, error } = await send(api.tx.balances.transferKeepAlive(receiver, BigInt(units) * 10n ** decimals), sender);
const fee = events.find(({ method }) => method === 'TransactionFeePaid').data.actualFee;
const number = (await api.rpc.chain.getHeader(block)).number;
console.log(error ? `refused: ${error}` : `${units} ${api.registry.chainTokens[0]} arrived`, `in block ${number}, fee ${fee.toHuman()}`);
await api.disconnect();
process.exit(error ? 1 : 0);
