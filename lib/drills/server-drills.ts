// EDGE. Faults of what a server keeps in files: manifests that RKE2 applies, and certificates.
import { onNode, putOnNode } from '../guest/on-node.ts'
import { commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import { kubectl } from '../rke2/kube-nodes.ts'
import { journal } from './cluster-drills.ts'
import { kubectlOn, type Drill } from './drill.ts'

const manifest = '/var/lib/rancher/rke2/server/manifests/drill.yaml'

const greeting = 'drill-greeting'

const removeManifest: Drill['undo'] = ({ node, server }) => [
  onNode(node, `rm -f ${manifest}`, { root: true }),
  onNode(
    server,
    `${kubectl} delete addons.k3s.cattle.io drill --namespace kube-system --ignore-not-found &&
${kubectl} delete configmap ${greeting} --namespace default --ignore-not-found`,
    { root: true },
  ),
]

const missing: Drill = {
  name: 'missing',
  on: 'server',
  symptom: ({ node }) =>
    `Someone put the ConfigMap ${greeting} into the manifests of ${node.name}. It does not appear in the cluster, and no message says why.`,
  // So that what tidy and undo remove is the drill's.
  needs: () => ({
    script: `! test -e ${manifest} || exit 1
found=$(${kubectl} get addons.k3s.cattle.io drill --namespace kube-system --ignore-not-found -o name) || exit 2
found=$found$(${kubectl} get configmap ${greeting} --namespace default --ignore-not-found -o name) || exit 2
test -z "$found" || exit 1`,
    words: `has ${manifest} already, or the cluster has an Addon drill in kube-system or a ConfigMap ${greeting} in default`,
  }),
  // YAML takes what nobody filled in for a map as a key, and RKE2 tries the file again every 15 s (k3s: pkg/deploy/controller.go).
  fault: ({ node }) => [
    putOnNode(
      node,
      manifest,
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${greeting}\n  namespace: default\ndata:\n  text: {{ greeting }}\n`,
    ),
  ],
  undo: removeManifest,
  tidy: removeManifest,
  // Gone: a person removed it, or a tidy that was interrupted.
  repaired: ({ node }) =>
    commandOn(
      node,
      `! test -e ${manifest} || ${kubectl} get configmap ${greeting} --namespace default >/dev/null`,
      { root: true },
    ),
  clues: ({ node, server }) => [
    {
      says: 'RKE2 applies the files in server/manifests by itself. For each it has an Addon, and says there what went wrong',
      type: [
        typedOn(node, 'sudo ls -l /var/lib/rancher/rke2/server/manifests'),
        kubectlOn(server, 'get events --namespace kube-system'),
      ],
    },
    { says: 'its journal names the file and the reason, every 15 s', type: [journal(node)] },
    {
      says: 'a template, copied before its values were filled in. Change the file; RKE2 sees that by itself',
      type: [
        typedOn(node, `sudo cat ${manifest}`),
        typedOn(node, `"sudo sed -i 's/{{ greeting }}/hello/' ${manifest}"`),
        kubectlOn(server, `get configmap ${greeting}`),
      ],
    },
  ],
  lesson: ({ node }) =>
    `A manifest on ${node.name} held a placeholder, so it was no valid YAML. RKE2 logs that and tries again forever; kubectl apply would have said it at once: test a manifest by hand before you put it there.`,
}

const tls = '/var/lib/rancher/rke2/server/tls'
const config = '/etc/rancher/rke2/rke2.yaml'
const aside = '/var/lib/rancher/rke2/server/drill'

// For openssl, whose other commands cannot date a certificate back in all versions.
const authority = `[ca]
default_ca = drill
[drill]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = client
[any]
O = supplied
CN = supplied
[client]
extendedKeyUsage = clientAuth
`

const isValid = `openssl x509 -noout -checkend 0 -in ${tls}/client-admin.crt >/dev/null 2>&1`
const isCarried = `test "$(sed -n 's/.*client-certificate-data: //p' ${config})" = "$(base64 -w 0 ${tls}/client-admin.crt)"`

const unauthorized: Drill = {
  name: 'unauthorized',
  on: 'server',
  symptom: ({ node }) =>
    `On ${node.name}, kubectl says: You must be logged in to the server (Unauthorized). The cluster works, and so does the copy of its configuration on this host.`,
  needs: () => ({ script: 'command -v openssl >/dev/null || exit 1', words: 'lacks openssl' }),
  fault: ({ node }) => [
    onNode(
      node,
      `mkdir -p -m 700 ${aside} && cd ${aside} || exit
test -e saved || { cp -p ${tls}/client-admin.crt ${config} . && touch saved; }`,
      { root: true },
    ),
    putOnNode(node, `${aside}/ca.conf`, authority),
    onNode(
      node,
      `cd ${aside} && : >index.txt &&
openssl req -new -key ${tls}/client-admin.key -subj /O=system:masters/CN=system:admin -out admin.csr || exit
openssl ca -batch -notext -config ca.conf -cert ${tls}/client-ca.crt -keyfile ${tls}/client-ca.key -in admin.csr -out expired.crt -startdate "$(date -u -d '366 days ago' +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d yesterday +%Y%m%d%H%M%SZ)" 2>ca.log || { cat ca.log >&2; exit 1; }
cat expired.crt ${tls}/client-ca.crt >${tls}/client-admin.crt &&
sed -i "s|client-certificate-data: .*|client-certificate-data: $(base64 -w 0 ${tls}/client-admin.crt)|" ${config}`,
      { root: true },
    ),
  ],
  // What a restart has renewed stays: its key may be another one. The certificate comes last, for it says that all is done.
  undo: ({ node }) => [
    onNode(
      node,
      `test -e ${aside} || exit 0
cd ${aside} || exit
if test -e saved; then
  { ${isValid} && ${isCarried}; } || cp -p rke2.yaml ${config} || exit
  ${isValid} || cp -p client-admin.crt ${tls}/ || exit
fi
cd / && rm -rf ${aside}`,
      { root: true },
    ),
  ],
  tidy: ({ node }) => [onNode(node, `rm -rf ${aside}`, { root: true })],
  repaired: ({ node }) =>
    commandOn(node, `${isValid} && ${kubectl} get --raw /version >/dev/null`, { root: true }),
  clues: ({ node }) => [
    {
      says: 'the API answers, so it runs; it does not know who asks. What does kubectl show it, and until when is that valid?',
      type: [
        typedOn(node, `sudo grep client-certificate-data ${config}`),
        typedOn(node, 'sudo /usr/local/bin/rke2 certificate check --output table'),
      ],
    },
    {
      says: 'the certificate of system:admin has expired. RKE2 renews those that expire within 120 days, but only when it starts',
      type: [typedOn(node, 'sudo systemctl restart rke2-server')],
    },
  ],
  lesson: ({ node }) =>
    `The certificate in kubectl's configuration on ${node.name} had expired. RKE2's are valid for a year, and a server that is restarted now and then renews them and writes that file again. Copies elsewhere are not renewed: install-rke2.ts fetches the one on this host again.`,
}

export const serverDrills = [missing, unauthorized]
