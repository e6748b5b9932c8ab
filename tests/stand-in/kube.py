"""The stand-in's Kubernetes API: an object store that kubectl can talk to.

No controllers: a Deployment is stored, not run. What exists by itself is what the nodes bring: Node
objects, their kube-system pods and charts, node-password secrets. Nothing here is Kubernetes code.
"""
import base64
import calendar
import copy
import hashlib
import json
import os
import re
import threading
import time
import uuid

# group/version -> plural -> (kind, namespaced, short names)
RESOURCES = {
    'v1': {
        'nodes': ('Node', False, ['no']),
        'namespaces': ('Namespace', False, ['ns']),
        'pods': ('Pod', True, ['po']),
        'services': ('Service', True, ['svc']),
        'configmaps': ('ConfigMap', True, ['cm']),
        'secrets': ('Secret', True, []),
        'serviceaccounts': ('ServiceAccount', True, ['sa']),
        'events': ('Event', True, ['ev']),
        'endpoints': ('Endpoints', True, ['ep']),
        'persistentvolumes': ('PersistentVolume', False, ['pv']),
        'persistentvolumeclaims': ('PersistentVolumeClaim', True, ['pvc']),
    },
    'apps/v1': {
        'deployments': ('Deployment', True, ['deploy']),
        'daemonsets': ('DaemonSet', True, ['ds']),
        'replicasets': ('ReplicaSet', True, ['rs']),
        'statefulsets': ('StatefulSet', True, ['sts']),
    },
    'batch/v1': {'jobs': ('Job', True, []), 'cronjobs': ('CronJob', True, ['cj'])},
    'networking.k8s.io/v1': {
        'ingresses': ('Ingress', True, ['ing']),
        'ingressclasses': ('IngressClass', False, []),
        'networkpolicies': ('NetworkPolicy', True, ['netpol']),
    },
    'rbac.authorization.k8s.io/v1': {
        'roles': ('Role', True, []),
        'rolebindings': ('RoleBinding', True, []),
        'clusterroles': ('ClusterRole', False, []),
        'clusterrolebindings': ('ClusterRoleBinding', False, []),
    },
    'autoscaling/v2': {'horizontalpodautoscalers': ('HorizontalPodAutoscaler', True, ['hpa'])},
    'policy/v1': {'poddisruptionbudgets': ('PodDisruptionBudget', True, ['pdb'])},
    'coordination.k8s.io/v1': {'leases': ('Lease', True, [])},
    'storage.k8s.io/v1': {'storageclasses': ('StorageClass', False, ['sc'])},
    'rbac.authorization.k8s.io/v1': {
        'roles': ('Role', True, []),
        'rolebindings': ('RoleBinding', True, []),
        'clusterroles': ('ClusterRole', False, []),
        'clusterrolebindings': ('ClusterRoleBinding', False, []),
    },
    'k3s.cattle.io/v1': {'addons': ('Addon', True, [])},
    'helm.cattle.io/v1': {
        'helmcharts': ('HelmChart', True, []),
        'helmchartconfigs': ('HelmChartConfig', True, []),
    },
}
VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']
IN_ALL = ['pods', 'services', 'deployments', 'daemonsets', 'replicasets', 'statefulsets', 'jobs']
STATIC_PODS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler',
               'cloud-controller-manager']
UNREACHABLE = {'key': 'node.kubernetes.io/unreachable', 'effect': 'NoExecute'}
LOG_LENGTH = 2000
REPORT = 300  # seconds after which a kubelet reports although nothing changed (nodeStatusReportFrequency)


class ApiError(Exception):
    def __init__(self, code, reason, message):
        super().__init__(message)
        self.code, self.reason = code, reason

    def status(self):
        return {'kind': 'Status', 'apiVersion': 'v1', 'metadata': {}, 'status': 'Failure',
                'message': str(self), 'reason': self.reason, 'code': self.code}


def now():
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())


def seconds(stamp):
    return calendar.timegm(time.strptime(stamp, '%Y-%m-%dT%H:%M:%SZ'))


def short_hash(text, length=5):
    return hashlib.sha256(text.encode()).hexdigest()[:length]


class Store:
    """Objects by key 'group/version|plural|namespace|name', kept in one JSON file."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Condition(threading.RLock())
        self.rev, self.objects, self.members, self.tokens = 1, {}, [], {}
        self.bootstrap = {}  # the files that every server has
        if os.path.exists(path):
            with open(path) as f:
                self.__dict__.update(json.load(f))
        self.log, self.log_start = [], self.rev  # for watches: (revision, type, key, object)
        self.seen = {}  # node -> time of its last heartbeat
        self.finalizer_delay = 2  # seconds; with RKE2 up to a minute

    def state(self):
        return {'rev': self.rev, 'objects': self.objects, 'members': self.members,
                'tokens': self.tokens, 'bootstrap': self.bootstrap}

    def replace(self, state):
        """Take over another server's state."""
        with self.lock:
            self.__dict__.update(state)
            self.log, self.log_start = [], self.rev
            self.save()

    def save(self):
        with open(self.path + '.new', 'w') as f:
            json.dump(self.state(), f)
            f.flush()
            os.fsync(f.fileno())
        os.replace(self.path + '.new', self.path)

    def changed(self):
        """A change outside the objects (members, tokens)."""
        self.rev += 1
        self.save()

    def get(self, gv, plural, ns, name):
        return self.objects.get(f'{gv}|{plural}|{ns}|{name}')

    def put(self, gv, plural, obj):
        meta = obj.setdefault('metadata', {})
        kind, namespaced, _ = RESOURCES[gv][plural]
        key = f"{gv}|{plural}|{meta.get('namespace', '') if namespaced else ''}|{meta['name']}"
        old = self.objects.get(key)
        self.rev += 1
        obj.update(kind=kind, apiVersion=gv)
        meta['uid'] = old['metadata']['uid'] if old else str(uuid.uuid4())
        meta['creationTimestamp'] = old['metadata']['creationTimestamp'] if old else now()
        meta['resourceVersion'] = str(self.rev)
        self.objects[key] = obj
        self.record('MODIFIED' if old else 'ADDED', key, obj)
        return obj

    def ensure(self, gv, plural, obj):
        meta = obj['metadata']
        return self.get(gv, plural, meta.get('namespace', ''), meta['name']) or self.put(
            gv, plural, obj)

    def remove(self, key):
        obj = self.objects.pop(key)
        self.rev += 1
        obj['metadata']['resourceVersion'] = str(self.rev)
        self.record('DELETED', key, obj)
        gv, plural, ns, name = key.split('|')
        if plural == 'nodes':
            self.forget_node(name)
        elif plural == 'namespaces':
            for other in [k for k in self.objects if k.split('|')[2] == name]:
                self.remove(other)

    def forget_node(self, name):
        """What goes with a Node: its pods, its node-password secret, its etcd membership."""
        for key, obj in list(self.objects.items()):
            if obj['kind'] == 'Pod' and obj.get('spec', {}).get('nodeName') == name:
                self.remove(key)
        secret = f'v1|secrets|kube-system|{name}.node-password.rke2'
        if secret in self.objects:
            self.remove(secret)
        if len(self.members) > 1:
            self.members = [m for m in self.members if m['name'] != name]
            self.save()

    def record(self, event, key, obj):
        self.log.append((self.rev, event, key, copy.deepcopy(obj)))
        if len(self.log) > LOG_LENGTH:
            self.log_start = self.log.pop(0)[0]
        self.save()
        self.lock.notify_all()


# --- nodes and the pods that come with them

def condition(kind, status, reason, message, heartbeat=None):
    return {'type': kind, 'status': status, 'reason': reason, 'message': message,
            'lastHeartbeatTime': heartbeat or now(), 'lastTransitionTime': now()}


def set_ready(store, node, status, reason, message, heartbeat=None):
    """Set the Ready condition; says whether that changed anything."""
    conditions = node['status'].setdefault('conditions', [])
    ready = next((c for c in conditions if c['type'] == 'Ready'), None)
    if ready and (ready['status'], ready['reason']) == (status, reason):
        if heartbeat and abs(seconds(heartbeat) - seconds(ready['lastHeartbeatTime'])) >= REPORT:
            ready['lastHeartbeatTime'] = heartbeat
            store.put('v1', 'nodes', node)
        return False
    node['status']['conditions'] = [c for c in conditions if c['type'] != 'Ready'] + [
        condition('Ready', status, reason, message, heartbeat)]
    taints = [t for t in node['spec'].get('taints', []) if t['key'] != UNREACHABLE['key']]
    node['spec']['taints'] = taints + ([UNREACHABLE] if status == 'Unknown' else [])
    store.put('v1', 'nodes', node)
    return True


def set_voter(store, node):
    """RKE2's own condition of a server: whether it is a full member of etcd."""
    member = next((m for m in store.members if m['name'] == node['metadata']['name']), None)
    status, reason = ('False', 'MemberIsLearner') if member and member.get('learner') else (
        'True', 'MemberNotLearner')
    conditions = node['status'].setdefault('conditions', [])
    if any((c['type'], c['status']) == ('EtcdIsVoter', status) for c in conditions):
        return
    node['status']['conditions'] = [c for c in conditions if c['type'] != 'EtcdIsVoter'] + [
        condition('EtcdIsVoter', status, reason, 'Node is a voting member of the etcd cluster'
                  if status == 'True' else 'Node has not been promoted to voting member of the etcd cluster')]
    store.put('v1', 'nodes', node)


def heartbeat(store, beat):
    """A kubelet reports. Returns None when it has no Node and did not come to register one."""
    name = beat['name']
    with store.lock:
        node = store.get('v1', 'nodes', '', name)
        created = node is None
        if created:
            if not beat['register']:
                return None
            labels = {'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux',
                      'kubernetes.io/arch': beat['arch'], 'node.kubernetes.io/instance-type': 'rke2'}
            if beat['server']:
                for role in ('control-plane', 'etcd'):
                    labels['node-role.kubernetes.io/' + role] = 'true'
            node = {'metadata': {'name': name, 'labels': {**labels, **beat['labels']},
                                 'annotations': {'rke2.io/internal-ip': beat['ip']}},
                    'spec': {'providerID': 'rke2://' + name, 'taints': beat['taints']},
                    'status': {'capacity': beat['capacity'], 'allocatable': beat['capacity'],
                               'conditions': [condition(kind, 'False', 'Kubelet' + ok, 'kubelet ' + ok)
                                              for kind, ok in (
                                                  ('MemoryPressure', 'HasSufficientMemory'),
                                                  ('DiskPressure', 'HasNoDiskPressure'),
                                                  ('PIDPressure', 'HasSufficientPID'))]}}
        if beat['register']:
            node['status']['nodeInfo'] = beat['info']
            node['status']['addresses'] = [{'type': 'InternalIP', 'address': beat['ip']},
                                           {'type': 'Hostname', 'address': name}]
            store.put('v1', 'nodes', node)
        store.seen[name] = time.monotonic()
        if beat['server']:
            set_voter(store, node)
        if beat['ready']:
            set_ready(store, node, 'True', 'KubeletReady', 'kubelet is posting ready status',
                      beat['time'])
        else:
            set_ready(store, node, 'False', 'KubeletNotReady',
                      'container runtime network not ready: NetworkReady=false '
                      'reason:NetworkPluginNotReady message:Network plugin returns error: '
                      'cni plugin not initialized', beat['time'])
        return {'created': created, 'network': system_pods(store, node, beat)}


def lose_silent_nodes(store, seconds):
    with store.lock:
        for node in [o for o in store.objects.values() if o['kind'] == 'Node']:
            seen = store.seen.setdefault(node['metadata']['name'], time.monotonic())
            if time.monotonic() - seen > seconds:
                set_ready(store, node, 'Unknown', 'NodeStatusUnknown',
                          'Kubelet stopped posting node status.')


def pod(store, name, node, ip, phase, owner=None, static=False, containers=('main',)):
    meta = {'name': name, 'namespace': 'kube-system', 'labels': {'app': name}}
    if name.startswith('rke2-canal-'):
        meta['labels']['k8s-app'] = 'canal'
    if static:
        meta['annotations'] = {'kubernetes.io/config.mirror': short_hash(name, 32)}
        owner = ('Node', node)
    if owner:
        meta['ownerReferences'] = [{'apiVersion': 'v1' if static else 'apps/v1', 'kind': owner[0],
                                    'name': owner[1], 'uid': short_hash(owner[1], 32),
                                    'controller': True}]
    old = store.get('v1', 'pods', 'kube-system', name)
    if old and old['status']['phase'] == phase:
        return
    running = phase == 'Running'
    store.put('v1', 'pods', {
        'metadata': old['metadata'] if old else meta,
        'spec': {'nodeName': node,
                 'containers': [{'name': one, 'image': 'stand-in'} for one in containers]},
        'status': {'phase': phase, 'podIP': ip, 'hostIP': ip, 'startTime': now(),
                   'conditions': [condition('Ready', str(running), '', '')],
                   'containerStatuses': [{'name': one, 'ready': running, 'restartCount': 0}
                                         for one in containers]}})


def system_pods(store, node, beat):
    """Ends with which pod of its network plugin the node has: another one writes the plugin's file again."""
    name, ip = node['metadata']['name'], beat['ip']
    if beat['server']:
        for component in STATIC_PODS:
            pod(store, f'{component}-{name}', name, ip, 'Running', static=True)
    pod(store, f'kube-proxy-{name}', name, ip, 'Running', static=True)
    cni = {'calico': 'calico-node', 'cilium': 'cilium', 'flannel': 'kube-flannel-ds'}.get(
        beat['cni'], 'rke2-canal')
    store.ensure('apps/v1', 'daemonsets', {'metadata': {'name': cni, 'namespace': 'kube-system'},
                                           'spec': {'template': {}}, 'status': {}})
    phase = 'Running' if beat['ready'] else 'Pending'
    pod(store, f'{cni}-{short_hash(name)}', name, ip, phase, ('DaemonSet', cni),
        containers=('calico-node', 'kube-flannel') if cni == 'rke2-canal' else ('main',))
    version = beat['info']['kubeletVersion']
    is_open = beat['ready'] and not node['spec'].get('unschedulable')
    if beat['server']:
        chart_jobs(store, (cni, 'rke2-coredns', 'rke2-metrics-server'), version, is_open)
    network = store.get('v1', 'pods', 'kube-system', f'{cni}-{short_hash(name)}')['metadata']['uid']
    if not is_open:
        return network
    ensure_ingress_class(store, version)
    pods = [key.split('|')[3] for key in store.objects if key.startswith('v1|pods|kube-system|')]
    for chart in (cni, 'rke2-coredns', 'rke2-metrics-server'):
        if chart != cni and not any(p.startswith(f'{chart}-{chart}-') for p in pods):
            replica_set = f'{chart}-{chart}-{short_hash(chart, 9)}'
            address = f'10.42.0.{2 + store.rev % 200}'
            pod(store, f'{replica_set}-{short_hash(str(store.rev))}', name, address, 'Running',
                ('ReplicaSet', replica_set))
        store.ensure('helm.cattle.io/v1', 'helmcharts', {
            'metadata': {'name': chart, 'namespace': 'kube-system'}, 'spec': {'chart': chart}})
        if not any(p.startswith(f'helm-install-{chart}-') for p in pods):
            pod(store, f'helm-install-{chart}-{short_hash(chart)}', name, ip, 'Succeeded',
                ('Job', f'helm-install-{chart}'))
    return network


def chart_jobs(store, charts, version, is_open):
    """A server of a newer version starts the jobs of its charts; they end when a server takes pods."""
    for chart in charts:
        name = f'helm-install-{chart}'
        job = store.get('batch/v1', 'jobs', 'kube-system', name)
        if not job or numbers(job['spec']['version']) < numbers(version):
            store.put('batch/v1', 'jobs', {
                'metadata': {'name': name, 'namespace': 'kube-system'},
                'spec': {'version': version}, 'status': {'active': 1}})
        elif is_open and not job['status'].get('succeeded'):
            store.put('batch/v1', 'jobs', {**job, 'status': {'succeeded': 1}})


def numbers(version):
    return [int(number) for number in re.findall(r'\d+', version)]


def ensure_ingress_class(store, version):
    """From 1.36 on new clusters get Traefik; one that has nginx keeps it."""
    if any(key.startswith('networking.k8s.io/v1|ingressclasses|') for key in store.objects):
        return
    minor = int(re.match(r'v\d+\.(\d+)', version)[1])
    name, controller = (('traefik', 'traefik.io/ingress-controller') if minor >= 36 else
                        ('nginx', 'k8s.io/ingress-nginx'))
    store.put('networking.k8s.io/v1', 'ingressclasses', {
        'metadata': {'name': name}, 'spec': {'controller': controller}})


# --- what kubectl sees

def age(stamp):
    past = max(0, int(time.time()) - seconds(stamp))
    for unit, length, until in (('s', 1, 120), ('m', 60, 7200), ('h', 3600, 172800)):
        if past < until:
            return f'{past // length}{unit}'
    return f'{past // 86400}d'


def node_cells(o):
    status, meta = o['status'], o['metadata']
    ready = next((c['status'] for c in status['conditions'] if c['type'] == 'Ready'), 'Unknown')
    state = 'Ready' if ready == 'True' else 'NotReady'
    if o['spec'].get('unschedulable'):
        state += ',SchedulingDisabled'
    roles = sorted(key.split('/')[1] for key in meta.get('labels', {})
                   if key.startswith('node-role.kubernetes.io/'))
    info = status['nodeInfo']
    return [meta['name'], state, ','.join(roles) or '<none>', age(meta['creationTimestamp']),
            info['kubeletVersion'], status['addresses'][0]['address'], '<none>', info['osImage'],
            info['kernelVersion'], info['containerRuntimeVersion']]


def pod_cells(o):
    status = o.get('status', {})
    containers = status.get('containerStatuses', [])
    ready = sum(c['ready'] for c in containers)
    phase = {'Succeeded': 'Completed'}.get(status.get('phase'), status.get('phase', 'Pending'))
    return [o['metadata']['name'], f"{ready}/{len(o['spec'].get('containers', []))}", phase, '0',
            age(o['metadata']['creationTimestamp']), status.get('podIP', '<none>'),
            o['spec'].get('nodeName', '<none>')]


def age_of(o):
    return age(o['metadata']['creationTimestamp'])


def service_cells(o):
    spec = o['spec']
    ports = [f"{p['port']}{':' + str(p['nodePort']) if 'nodePort' in p else ''}/"
             f"{p.get('protocol', 'TCP')}" for p in spec.get('ports', [])]
    outside = '<pending>' if spec['type'] == 'LoadBalancer' else '<none>'  # nobody assigns one
    return [o['metadata']['name'], spec['type'], spec['clusterIP'], outside, ','.join(ports),
            age_of(o)]


def ingress_cells(o):
    hosts = [rule.get('host', '*') for rule in o['spec'].get('rules', [])]
    return [o['metadata']['name'], o['spec'].get('ingressClassName', '<none>'), ','.join(hosts), '',
            '80', age_of(o)]


def claim_cells(o):  # nothing binds it, so it has no volume
    return [o['metadata']['name'], o['status']['phase'], '', '', '', '', '<unset>', age_of(o)]


def class_cells(o):
    meta = o['metadata']
    default = meta.get('annotations', {}).get('storageclass.kubernetes.io/is-default-class')
    return [meta['name'] + (' (default)' if default == 'true' else ''), o['provisioner'],
            o.get('reclaimPolicy', 'Delete'), o.get('volumeBindingMode', 'Immediate'),
            str(o.get('allowVolumeExpansion', False)).lower(), age_of(o)]


# kind -> columns (those after '|' only with -o wide) and the function that fills them
TABLES = {
    'Node': ('Name Status Roles Age Version | Internal-IP External-IP OS-Image Kernel-Version '
             'Container-Runtime', node_cells),
    'Pod': ('Name Ready Status Restarts Age | IP Node', pod_cells),
    'Secret': ('Name Type Data Age', lambda o: [
        o['metadata']['name'], o.get('type', 'Opaque'), str(len(o.get('data', {}))),
        age_of(o)]),
    'Service': ('Name Type Cluster-IP External-IP Port(s) Age', service_cells),
    'Ingress': ('Name Class Hosts Address Ports Age', ingress_cells),
    'IngressClass': ('Name Controller Parameters Age', lambda o: [
        o['metadata']['name'], o['spec']['controller'], '<none>', age_of(o)]),
    'PersistentVolumeClaim': ('Name Status Volume Capacity Access_Modes StorageClass '
                              'VolumeAttributesClass Age', claim_cells),
    'StorageClass': ('Name Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age',
                     class_cells),
    '': ('Name Age', lambda o: [o['metadata']['name'], age_of(o)]),
}


def table(objects, kind, rev):
    columns, cells = TABLES.get(kind, TABLES[''])
    narrow, _, wide = columns.partition(' | ')
    definitions = [{'name': name.replace('_', ' '), 'type': 'string', 'format': 'name' if name == 'Name' else '',
                    'description': '', 'priority': priority}
                   for priority, names in enumerate((narrow, wide)) for name in names.split()]
    return {'kind': 'Table', 'apiVersion': 'meta.k8s.io/v1',
            'metadata': {'resourceVersion': str(rev)}, 'columnDefinitions': definitions,
            'rows': [{'cells': cells(o), 'object': {
                'kind': 'PartialObjectMetadata', 'apiVersion': 'meta.k8s.io/v1',
                'metadata': o['metadata']}} for o in objects]}


def fill_in(store, kind, obj):
    """What the API server adds to a new object by itself."""
    if kind == 'Secret':
        plain = {k: base64.b64encode(v.encode()).decode()
                 for k, v in obj.pop('stringData', {}).items()}
        obj.update(type=obj.get('type', 'Opaque'), data={**obj.get('data', {}), **plain})
    elif kind == 'Service':
        obj['spec'] = {'type': 'ClusterIP', 'clusterIP': f'10.43.0.{20 + store.rev % 200}',
                       **obj['spec']}
    elif kind in ('Namespace', 'PersistentVolumeClaim'):
        obj['status'] = {'phase': 'Active' if kind == 'Namespace' else 'Pending'}


def scale_of(obj):
    replicas = obj['spec'].get('replicas', 1)
    kept = {key: obj['metadata'][key] for key in ('name', 'namespace', 'uid', 'resourceVersion')}
    return {'kind': 'Scale', 'apiVersion': 'autoscaling/v1', 'metadata': kept,
            'spec': {'replicas': replicas}, 'status': {'replicas': 0}}


def selected(obj, query):
    """Label and field selectors, equality only."""
    labels = obj['metadata'].get('labels') or {}
    for term in filter(None, query.get('labelSelector', '').split(',')):
        key, differs, value = re.match(r'(!?[^=!]+)(!=|==?)?(.*)', term).groups()
        if key[0] == '!' or not differs:
            if (key.lstrip('!') in labels) == (key[0] == '!'):
                return False
        elif (labels.get(key) == value) == (differs == '!='):
            return False
    for term in filter(None, query.get('fieldSelector', '').split(',')):
        path, differs, value = re.match(r'([^=!]+)(!=|==?)(.*)', term).groups()
        found = obj
        for part in path.split('.'):
            found = found.get(part, '') if isinstance(found, dict) else ''
        if (str(found) == value) == (differs == '!='):
            return False
    return True


def merge(old, patch):
    """JSON merge patch, and the part of strategic merge patch that merges lists by name."""
    if isinstance(patch, list) and isinstance(old, list) and patch and all(
            isinstance(x, dict) and 'name' in x for x in old + patch):
        names = [x['name'] for x in patch]
        kept = [x for x in old if x['name'] not in names]
        merged = [merge(next((o for o in old if o['name'] == p['name']), {}), p)
                  for p in patch if p.get('$patch') != 'delete']
        return kept + merged
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif not key.startswith('$'):
            result[key] = merge(result.get(key), value)
    return result


def discovery(path, version):
    parts = path.strip('/').split('/')
    if path == '/version':
        major, minor = re.match(r'v(\d+)\.(\d+)', version).groups()
        return {'major': major, 'minor': minor, 'gitVersion': version, 'gitCommit': 'stand-in',
                'gitTreeState': 'clean', 'buildDate': '2026-01-01T00:00:00Z', 'goVersion': 'stand-in',
                'compiler': 'gc', 'platform': 'linux/amd64'}
    if path == '/api':
        return {'kind': 'APIVersions', 'versions': ['v1'], 'serverAddressByClientCIDRs': []}
    groups = [{'name': gv.split('/')[0], 'versions': [one], 'preferredVersion': one}
              for gv in RESOURCES if '/' in gv
              for one in [{'groupVersion': gv, 'version': gv.split('/')[1]}]]
    if path == '/apis':
        return {'kind': 'APIGroupList', 'apiVersion': 'v1', 'groups': groups}
    if parts[0] == 'apis' and len(parts) == 2:
        group = next((g for g in groups if g['name'] == parts[1]), None)
        return group and {'kind': 'APIGroup', 'apiVersion': 'v1', **group}
    gv = '/'.join(parts[1:])
    if gv not in RESOURCES or len(parts) != (2 if parts[0] == 'api' else 3):
        return None
    resources = [{'name': plural, 'singularName': kind.lower(), 'namespaced': namespaced,
                  'kind': kind, 'verbs': VERBS, 'shortNames': short,
                  'categories': ['all'] if plural in IN_ALL else []}
                 for plural, (kind, namespaced, short) in RESOURCES[gv].items()]
    if gv == 'v1':
        resources.append({'name': 'pods/eviction', 'singularName': '', 'namespaced': True,
                          'group': 'policy', 'version': 'v1', 'kind': 'Eviction',
                          'verbs': ['create']})
    for plural in ('deployments', 'statefulsets') if gv == 'apps/v1' else ():
        resources.append({'name': plural + '/scale', 'singularName': '', 'namespaced': True,
                          'group': 'autoscaling', 'version': 'v1', 'kind': 'Scale',
                          'verbs': ['get', 'patch', 'update']})
    return {'kind': 'APIResourceList', 'apiVersion': 'v1', 'groupVersion': gv,
            'resources': resources}


def watch(store, prefix, kind, query, as_table):
    """Generate watch events as lines of JSON."""
    def line(event, obj):
        body = table([obj], kind, obj['metadata']['resourceVersion']) if as_table else obj
        return json.dumps({'type': event, 'object': body}) + '\n'

    since = int(query.get('resourceVersion') or 0)
    deadline = time.monotonic() + float(query.get('timeoutSeconds') or 300)
    with store.lock:
        if since and since < store.log_start:
            gone = ApiError(410, 'Expired', f'too old resource version: {since}')
            events = [('ERROR', gone.status())]
            deadline = 0
        else:
            events = [] if since else [('ADDED', copy.deepcopy(o)) for k, o in store.objects.items()
                                       if k.startswith(prefix) and selected(o, query)]
        since = since or store.rev
    while True:
        for event, obj in events:
            yield json.dumps({'type': event, 'object': obj}) + '\n' if event == 'ERROR' else line(
                event, obj)
        if time.monotonic() > deadline:
            return
        with store.lock:
            if store.rev <= since:
                store.lock.wait(1)
            events = [(event, o) for rev, event, key, o in store.log
                      if rev > since and key.startswith(prefix) and selected(o, query)]
            since = max(since, store.rev)


def is_member(store, name):
    return len(store.members) > 1 and any(m['name'] == name for m in store.members)


def finalize(store, key, node):
    """A server's Node goes only when etcd has let go of its member."""
    node['metadata'].update(deletionTimestamp=now(), finalizers=[
        'wrangler.cattle.io/managed-etcd-controller'])

    def let_go():
        with store.lock:
            if key in store.objects:
                store.remove(key)
    threading.Timer(store.finalizer_delay, let_go).start()
    return copy.deepcopy(store.put('v1', 'nodes', node))


REMOVE, REMOVED = 'etcd.rke2.cattle.io/remove', 'etcd.rke2.cattle.io/removed-node-name'


def leave_etcd(store, key):
    """Take a server out of etcd, as its annotation asks; refused, the annotation goes away again. The Node stays."""
    def let_go():
        with store.lock:
            node = store.objects.get(key)
            if not node or not is_member(store, node['metadata']['name']):
                return
            name, notes = node['metadata']['name'], node['metadata']['annotations']
            rest = [m for m in store.members if m['name'] != name]
            if sum(is_up(store, m['name']) for m in rest) < len(rest) // 2 + 1:
                notes.pop(REMOVE, None)
            else:
                own = next(m for m in store.members if m['name'] == name)
                notes[REMOVED] = f"{name}-{short_hash(own['id'], 8)}"
                store.members = rest
            store.put('v1', 'nodes', node)
    threading.Timer(store.finalizer_delay, let_go).start()


def is_up(store, name):
    node = store.get('v1', 'nodes', '', name) or {'status': {}}
    return any(c['type'] == 'Ready' and c['status'] == 'True' for c in node['status'].get('conditions', []))


def api(store, version, method, path, query, accept, content_type, body):
    """Answer one request: (status, dict | text | generator of lines). Raises ApiError."""
    if path == '/metrics':
        return 200, 'apiserver_storage_objects{resource="nodes"} 1\n'
    if path in ('/readyz', '/livez', '/healthz'):
        return 200, 'ok'
    if path == '/openapi/v2':
        return 200, ''  # an empty schema (in protobuf): kubectl then validates nothing
    found = discovery(path, version) if method == 'GET' else None
    if found:
        return 200, found
    parts = path.strip('/').split('/')
    gv, rest = ('v1', parts[2:]) if parts[0] == 'api' else ('/'.join(parts[1:3]), parts[3:])
    ns = ''
    if rest[:1] == ['namespaces'] and len(rest) > 2 and rest[2] not in ('status', 'finalize'):
        ns, rest = rest[1], rest[2:]
    plural, name, sub = (rest + ['', '', ''])[:3]
    if parts[0] not in ('api', 'apis') or plural not in RESOURCES.get(gv, {}):
        raise ApiError(404, 'NotFound', 'the server could not find the requested resource')
    kind, namespaced, _ = RESOURCES[gv][plural]
    as_table = 'as=Table' in accept
    shown = f'{plural}.{gv.split("/")[0]}' if '/' in gv else plural
    prefix = f'{gv}|{plural}|' + (f'{ns}|' if ns else '')
    dry_run = 'dryRun' in query
    with store.lock:
        if method == 'GET' and not name:
            if 'sendInitialEvents' in query:
                raise ApiError(422, 'Invalid', 'sendInitialEvents is not supported')
            if query.get('watch') in ('1', 'true'):
                return 200, watch(store, prefix, kind, query, as_table)
            objects = copy.deepcopy([o for k, o in sorted(store.objects.items())
                                     if k.startswith(prefix) and selected(o, query)])
            if as_table:
                return 200, table(objects, kind, store.rev)
            return 200, {'kind': kind + 'List', 'apiVersion': gv,
                         'metadata': {'resourceVersion': str(store.rev)}, 'items': objects}
        if method == 'POST' and not name:
            meta = body.setdefault('metadata', {})
            if namespaced:
                meta['namespace'] = ns
            name = meta.setdefault('name', meta.get('generateName', '') + short_hash(str(store.rev)))
            if namespaced and not store.get('v1', 'namespaces', '', ns):
                raise ApiError(404, 'NotFound', f'namespaces "{ns}" not found')
            if store.get(gv, plural, ns, name):
                raise ApiError(409, 'AlreadyExists', f'{shown} "{name}" already exists')
            fill_in(store, kind, body)
            return 201, body if dry_run else copy.deepcopy(store.put(gv, plural, body))
        key = f'{gv}|{plural}|{ns}|{name}'
        old = store.objects.get(key)
        if not old:
            raise ApiError(404, 'NotFound', f'{shown} "{name}" not found')
        if sub in ('log', 'exec', 'attach', 'portforward'):
            raise ApiError(404, 'NotFound', 'the stand-in runs no containers')
        if method == 'GET' and sub == 'scale':
            return 200, scale_of(old)
        if method == 'GET':
            return 200, table([old], kind, store.rev) if as_table else copy.deepcopy(old)
        if method == 'DELETE' and plural == 'nodes' and is_member(store, name):
            return 200, finalize(store, key, old)
        if method == 'DELETE' or (method == 'POST' and sub == 'eviction'):
            store.remove(key)
            return 200, {'kind': 'Status', 'apiVersion': 'v1', 'metadata': {}, 'status': 'Success',
                         'details': {'name': name, 'kind': plural, 'uid': old['metadata']['uid']}}
        if method == 'PATCH' and 'merge-patch' in content_type:
            body = merge(old, body)
        elif method != 'PUT':
            raise ApiError(415, 'UnsupportedMediaType', f'the stand-in cannot do {content_type}')
        wanted = body['metadata'].get('resourceVersion')
        if wanted not in (None, old['metadata']['resourceVersion']):
            raise ApiError(409, 'Conflict', f'{shown} "{name}" has been modified')
        new = {**old, **body} if dry_run else store.put(gv, plural, body)
        notes = new['metadata'].get('annotations') or {}
        if plural == 'nodes' and notes.get(REMOVE) == 'true' and REMOVED not in notes:
            leave_etcd(store, key)
        return 200, scale_of(new) if sub == 'scale' else copy.deepcopy(new)
