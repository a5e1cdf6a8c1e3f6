/** Verification, pure: bytes come in through ports, refusals come out with codes. */

export { allowsRollback, compareSerials, killedEntry, parseControl } from "./control";
export { digestOf, isDigest, sha256Hex } from "./digest";
export { checkHotfix, type Hotfix, parseHotfix, stackedIndex } from "./hotfix";
export { checkInstall, checkOpen, mayRevert, type OpenQuestion } from "./install-rule";
export { fittingIndex, type InstalledProof, verifyInstalled, verifyRole } from "./offline";
export { fileOf, parseIndex } from "./package-index";
export { isFile, PackageReader, sourceOfBlob, sourceOfBytes, verifyArchive } from "./package-reader";
export type { ByteSource, Clock, FetchBytes, MetadataStore } from "./ports";
export { demand, isRefused, type RefusalCode, Refused } from "./refused";
export { indexPath, isAppId, packagePath, servedPath, treeId } from "./roles";
export { verifyMetadata } from "./signatures";
export { type TreeOptions, TufTree } from "./tree";
export type {
  AppRole,
  Control,
  FileEntry,
  Offered,
  OfferedStack,
  Opening,
  PackageIndex,
  Permissions,
  SignedHotfix,
  SignedVersion,
  StoredChain,
  VerifiedInstall,
} from "./types";
