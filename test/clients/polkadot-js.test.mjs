// polkadot.js, newest version.
import { ApiPromise, Keyring, WsProvider, packageInfo } from '@polkadot/api';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { polkadotJsList } from './list.mjs';

polkadotJsList({ ApiPromise, Keyring, WsProvider, cryptoWaitReady, version: packageInfo.version });
