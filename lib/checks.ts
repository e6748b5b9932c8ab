// EDGE. All looks at the host by one name, for the doctor. Each gives findings; nothing is changed.
export { checkKvm } from './check-kvm.ts'
export { checkLibvirt } from './check-libvirt.ts'
export { checkAddresses, checkFirewall, checkNetworks } from './check-network.ts'
export { checkImage, checkRoom } from './check-room.ts'
export { checkNode, checkTools } from './check-tools.ts'
export { checkOwnership } from './ownership-findings.ts'
