// polkadot.js in the version that api-contract works with: the same list as for the newest.
import { ApiPromise, Keyring, WsProvider, packageInfo } from '@polkadot/api';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { polkadotJsList } from '../clients/list.mjs';

polkadotJsList({ ApiPromise, Keyring, WsProvider, cryptoWaitReady, version: packageInfo.version });
