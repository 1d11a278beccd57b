//! Commit information from CometBFT, and the validator set that goes back to it.
//!
//! What it is: the one place of the blob that knows validators. Each block begins with an inherent, [`Call::set_commit_info`], that says
//! who proposed it, who signed its parent and which evidence it carries. Root changes powers with [`Call::set_validator_power`]; what
//! changed in a block leaves in one digest item, which the host hands to CometBFT. The formats are those of
//! [`sepia_primitives_comet`].
//!
//! What it is not: bonds, rewards, slashes and jail are another pallet's; here misbehaviour only becomes an event.
//!
//! Two rules hold throughout:
//! - The inherent of an honest host cannot fail. A mandatory extrinsic that fails makes the block invalid, so an unknown validator or
//!   a meaningless flag is counted and skipped. Only a second inherent in one block, which no host makes, is refused.
//! - No update leaves that CometBFT would refuse, because it panics on those: at least one validator, no removal of an unknown one,
//!   no key twice, total power within [`sepia_primitives_comet::TOTAL_POWER_MAX`].

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

#[cfg(test)]
mod tests;

pub use pallet::*;

use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::weights::Weight;
use scale_info::TypeInfo;
use sepia_primitives_comet::{Address, Misbehaviour, PublicKey, Validator, Vote};

/// What the calls and hooks of this pallet cost.
pub trait WeightInfo {
    /// The inherent, with the hook that ends the block.
    fn set_commit_info(votes: u32, misbehaviour: u32) -> Weight;
    /// One change, with its part of the digest item.
    fn set_validator_power() -> Weight;
}

impl WeightInfo for () {
    fn set_commit_info(_: u32, _: u32) -> Weight {
        Weight::zero()
    }

    fn set_validator_power() -> Weight {
        Weight::zero()
    }
}

/// How the votes of one commit divide. Their sum is the number of votes that the host reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct CommitSummary {
    /// Votes for the block.
    pub committed: u32,
    /// Votes for no block.
    pub nil: u32,
    /// No vote arrived.
    pub absent: u32,
    /// Of an address that was never a validator, or with a flag that means nothing.
    pub unknown: u32,
}

/// CometBFT's name for a key.
pub fn address_of(pub_key: &PublicKey) -> Address {
    let digest = sp_io::hashing::sha2_256(pub_key);
    let mut address = Address::default();
    let length = address.len();
    address.copy_from_slice(&digest[..length]);
    address
}

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use codec::Encode;
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;
    use sepia_primitives_comet::{CommitInfo, ConsensusLog, ENGINE_ID, INHERENT_IDENTIFIER, TOTAL_POWER_MAX};
    use sp_inherents::{InherentData, InherentIdentifier, MakeFatalError};
    use sp_runtime::DigestItem;

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// What this pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// How many validators there may be.
        #[pallet::constant]
        type MaxValidators: Get<u32>;
        /// What things cost.
        type WeightInfo: WeightInfo;
    }

    /// Who proposed this block.
    #[pallet::storage]
    pub type Author<T> = StorageValue<_, Address>;

    /// How the parent was signed.
    #[pallet::storage]
    pub type LastCommit<T> = StorageValue<_, CommitSummary, ValueQuery>;

    /// Present between the inherent and the end of its block.
    #[pallet::storage]
    pub type CommitInfoSet<T> = StorageValue<_, (), OptionQuery>;

    /// The power of each validator after all changes so far.
    #[pallet::storage]
    pub type Validators<T> = CountedStorageMap<_, Blake2_128Concat, PublicKey, u64>;

    /// The sum of [`Validators`].
    #[pallet::storage]
    pub type TotalPower<T> = StorageValue<_, u64, ValueQuery>;

    /// The key behind an address. Entries stay when a validator leaves: votes of it are reported for two more blocks, and evidence
    /// for as long as CometBFT takes evidence. Only root makes new ones.
    #[pallet::storage]
    pub type Keys<T> = StorageMap<_, Blake2_128Concat, Address, PublicKey>;

    /// The power that each validator changed in this block had at its beginning; 0 if it was none. Gone when the block ends.
    #[pallet::storage]
    pub type PowersBefore<T: Config> =
        StorageValue<_, BoundedBTreeMap<PublicKey, u64, <T as Config>::MaxValidators>, ValueQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Root gave a validator a power. 0 means removed.
        ValidatorPowerSet {
            /// The validator's key.
            pub_key: PublicKey,
            /// Its power two blocks from now.
            power: u64,
        },
        /// This block carries evidence against a validator.
        MisbehaviourReported {
            /// The validator's key.
            pub_key: PublicKey,
            /// 1: two votes in one round. 2: a signed block that is not the chain's.
            kind: u8,
            /// The block in which it was done.
            height: u64,
        },
    }

    /// Why a call is refused.
    #[pallet::error]
    pub enum Error<T> {
        /// The commit information of this block is known already.
        CommitInfoAlreadySet,
        /// There is no validator with this key to remove.
        UnknownValidator,
        /// The chain would have no validator left.
        LastValidator,
        /// There are as many validators as there may be, or as many changes in this block.
        TooManyValidators,
        /// All validators together would have more power than CometBFT can add up.
        PowerTooLarge,
    }

    /// A validator of the genesis block.
    #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct GenesisValidator {
        /// 32 bytes as hex with 0x.
        pub pub_key: sp_core::H256,
        /// At least 1.
        pub power: u64,
    }

    /// The validators that a chain begins with.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// The same as in CometBFT's own genesis; the node refuses to start a chain where they differ.
        pub validators: Vec<GenesisValidator>,
        #[doc(hidden)]
        #[serde(skip)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            for validator in &self.validators {
                let pub_key = validator.pub_key.0;
                assert!(validator.power > 0, "a validator of the genesis block has no power");
                assert!(!Validators::<T>::contains_key(pub_key), "a validator is twice in the genesis block");
                Pallet::<T>::change_power(pub_key, validator.power)
                    .expect("the genesis block breaks a rule for validators");
            }
            // CometBFT knows these from its own genesis, so they are no updates of block 1.
            PowersBefore::<T>::kill();
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_finalize(_: BlockNumberFor<T>) {
            CommitInfoSet::<T>::kill();
            let updates = Self::updates(PowersBefore::<T>::take());
            if !updates.is_empty() {
                let log = ConsensusLog::ValidatorUpdates(updates);
                frame_system::Pallet::<T>::deposit_log(DigestItem::Consensus(ENGINE_ID, log.encode()));
            }
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Tells who proposed this block, who signed its parent, and which evidence it carries. The host makes it; nobody can send it.
        #[pallet::call_index(0)]
        #[pallet::weight((
            T::WeightInfo::set_commit_info(info.votes.len() as u32, info.misbehaviour.len() as u32),
            DispatchClass::Mandatory
        ))]
        pub fn set_commit_info(origin: OriginFor<T>, info: CommitInfo) -> DispatchResult {
            ensure_none(origin)?;
            ensure!(!CommitInfoSet::<T>::exists(), Error::<T>::CommitInfoAlreadySet);
            CommitInfoSet::<T>::put(());
            Author::<T>::put(info.proposer);
            LastCommit::<T>::put(Self::summary(&info.votes));
            info.misbehaviour.iter().for_each(Self::report);
            Ok(())
        }

        /// Gives a validator a voting power; 0 removes it, and a new key adds one. It counts two blocks later.
        #[pallet::call_index(1)]
        #[pallet::weight((T::WeightInfo::set_validator_power(), DispatchClass::Operational))]
        pub fn set_validator_power(origin: OriginFor<T>, pub_key: PublicKey, power: u64) -> DispatchResult {
            ensure_root(origin)?;
            Self::change_power(pub_key, power)?;
            Self::deposit_event(Event::ValidatorPowerSet { pub_key, power });
            Ok(())
        }
    }

    #[pallet::inherent]
    impl<T: Config> ProvideInherent for Pallet<T> {
        type Call = Call<T>;
        type Error = MakeFatalError<()>;
        const INHERENT_IDENTIFIER: InherentIdentifier = INHERENT_IDENTIFIER;

        fn create_inherent(data: &InherentData) -> Option<Self::Call> {
            // Data that does not decode is treated as absent: its sender is the host itself, and a panic would tell it no more.
            let info = data.get_data::<CommitInfo>(&INHERENT_IDENTIFIER).ok()??;
            Some(Call::set_commit_info { info })
        }

        fn is_inherent(call: &Self::Call) -> bool {
            matches!(call, Call::set_commit_info { .. })
        }
    }

    impl<T: Config> Pallet<T> {
        /// All validators, ascending by key.
        pub fn validators() -> Vec<Validator> {
            let mut validators: Vec<Validator> =
                Validators::<T>::iter().map(|(pub_key, power)| Validator { pub_key, power }).collect();
            validators.sort_by_key(|validator| validator.pub_key);
            validators
        }

        /// Whether what is stored could have come from the calls of this pallet.
        pub fn check() -> Result<(), &'static str> {
            let mut total = 0u64;
            for (_, power) in Validators::<T>::iter() {
                if power == 0 {
                    return Err("a validator has no power");
                }
                total = total.checked_add(power).ok_or("the powers of validators overflow")?;
            }
            if total != TotalPower::<T>::get() || total > TOTAL_POWER_MAX {
                return Err("the total power is wrong");
            }
            Ok(())
        }

        /// Applies one change to the set that all changes so far have made.
        fn change_power(pub_key: PublicKey, power: u64) -> Result<(), Error<T>> {
            let before = Validators::<T>::get(pub_key).unwrap_or(0);
            let others = TotalPower::<T>::get() - before;
            let total = others.checked_add(power).filter(|total| *total <= TOTAL_POWER_MAX);
            let total = total.ok_or(Error::<T>::PowerTooLarge)?;
            if power == 0 {
                ensure!(before > 0, Error::<T>::UnknownValidator);
                ensure!(others > 0, Error::<T>::LastValidator);
            }
            if before == 0 {
                ensure!(Validators::<T>::count() < T::MaxValidators::get(), Error::<T>::TooManyValidators);
            }
            Self::remember_power_before(pub_key, before)?;
            TotalPower::<T>::put(total);
            match power {
                0 => Validators::<T>::remove(pub_key),
                _ => Validators::<T>::insert(pub_key, power),
            }
            Keys::<T>::insert(address_of(&pub_key), pub_key);
            Ok(())
        }

        /// The first change of a block decides; later ones build on it.
        fn remember_power_before(pub_key: PublicKey, before: u64) -> Result<(), Error<T>> {
            PowersBefore::<T>::try_mutate(|powers| {
                if powers.contains_key(&pub_key) {
                    return Ok(());
                }
                powers.try_insert(pub_key, before).map(|_| ()).map_err(|_| Error::<T>::TooManyValidators)
            })
        }

        /// What differs between the beginning of the block and now. A key that came and went is no update: CometBFT
        /// would refuse the removal of a validator that it never had.
        fn updates(before: BoundedBTreeMap<PublicKey, u64, T::MaxValidators>) -> Vec<Validator> {
            before
                .into_iter()
                .map(|(pub_key, before)| (pub_key, before, Validators::<T>::get(pub_key).unwrap_or(0)))
                .filter(|(_, before, power)| before != power)
                .map(|(pub_key, _, power)| Validator { pub_key, power })
                .collect()
        }

        fn summary(votes: &[Vote]) -> CommitSummary {
            let mut summary = CommitSummary::default();
            for vote in votes {
                let known = Keys::<T>::contains_key(vote.address);
                let count = match vote.flag {
                    Vote::COMMIT if known => &mut summary.committed,
                    Vote::NIL if known => &mut summary.nil,
                    Vote::ABSENT if known => &mut summary.absent,
                    _ => &mut summary.unknown,
                };
                *count = count.saturating_add(1);
            }
            summary
        }

        fn report(misbehaviour: &Misbehaviour) {
            if let Some(pub_key) = Keys::<T>::get(misbehaviour.address) {
                let Misbehaviour { kind, height, .. } = *misbehaviour;
                Self::deposit_event(Event::MisbehaviourReported { pub_key, kind, height });
            }
        }
    }
}
