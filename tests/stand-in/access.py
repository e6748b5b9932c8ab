"""Who asks the stand-in's API, and what they may do: tokens of service accounts, acting as somebody else, and RBAC.

Written after kubernetes.io: reference/access-authn-authz/rbac and .../authentication. The rules of the ready-made roles are the
part of them that the pages use.
"""
import base64
import hashlib
import hmac
import json
import time

RBAC = 'rbac.authorization.k8s.io/v1'
LOOK, CHANGE = ['get', 'list', 'watch'], ['create', 'delete', 'deletecollection', 'patch', 'update']
OBJECTS = [
    ('', ['configmaps', 'endpoints', 'persistentvolumeclaims', 'pods', 'serviceaccounts', 'services']),
    ('apps', ['daemonsets', 'deployments', 'deployments/scale', 'replicasets', 'replicasets/scale',
              'statefulsets', 'statefulsets/scale']),
    ('autoscaling', ['horizontalpodautoscalers']),
    ('batch', ['cronjobs', 'jobs']),
    ('networking.k8s.io', ['ingresses', 'networkpolicies']),
    ('policy', ['poddisruptionbudgets']),
]


def rules(verbs, *resources):
    return [{'apiGroups': [group], 'resources': names, 'verbs': verbs} for group, names in resources]


VIEW = rules(LOOK, *OBJECTS, ('', ['events', 'namespaces', 'pods/log', 'pods/status']))
EDIT = VIEW + rules(CHANGE, *OBJECTS, ('', ['pods/eviction', 'serviceaccounts/token'])) + rules(
    LOOK + CHANGE, ('', ['secrets', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy']))
CLUSTER_ROLES = {
    'view': VIEW, 'edit': EDIT,
    'admin': EDIT + rules(LOOK + CHANGE, (RBAC.split('/')[0], ['roles', 'rolebindings'])),
    'cluster-admin': [{'apiGroups': ['*'], 'resources': ['*'], 'verbs': ['*']},
                      {'nonResourceURLs': ['*'], 'verbs': ['*']}],
}
REVIEWS = {'authorization.k8s.io/v1': ('selfsubjectaccessreviews', 'selfsubjectrulesreviews'),
           'authentication.k8s.io/v1': ('selfsubjectreviews',)}


class Refused(Exception):
    """401; or 403, for somebody who is known."""

    def __init__(self, message='Unauthorized', code=401):
        super().__init__(message)
        self.code = code

    def status(self):
        return {'kind': 'Status', 'apiVersion': 'v1', 'metadata': {}, 'status': 'Failure', 'message': str(self),
                'reason': 'Unauthorized' if self.code == 401 else 'Forbidden', 'code': self.code}


# --- who asks

def user_of_certificate(certificate):
    names = [pair for part in certificate['subject'] for pair in part]
    return {'username': dict(names).get('commonName', ''), 'groups': [
        value for key, value in names if key == 'organizationName'] + ['system:authenticated']}


def service_account(username, uid=''):
    _, _, namespace, name = username.split(':')
    return {'username': username, **({'uid': uid} if uid else {}), 'groups': [
        'system:serviceaccounts', f'system:serviceaccounts:{namespace}', 'system:authenticated']}


def user_of_token(store, key, token):
    body, _, signature = token.rpartition('.')
    if not hmac.compare_digest(sign(key, body), signature):
        raise Refused()
    claims = json.loads(decoded(body.split('.')[1]))
    _, _, namespace, name = claims['sub'].split(':')
    account = store.get('v1', 'serviceaccounts', namespace, name)
    if claims['exp'] < time.time() or not account or account['metadata']['uid'] != claims['uid']:
        raise Refused()
    return service_account(claims['sub'], claims['uid'])


def acting(store, user, headers):
    """The user that `user` asks to be taken for (kubectl --as)."""
    name = headers.get('Impersonate-User')
    if not name:
        return user
    if 'system:masters' not in user['groups']:
        raise Refused(f'users "{name}" is forbidden: User "{user["username"]}" cannot impersonate resource "users" in '
                      'API group "" at the cluster scope', code=403)
    if name.startswith('system:serviceaccount:') and name.count(':') == 3:
        return service_account(name)
    return {'username': name, 'groups': (headers.get_all('Impersonate-Group') or []) + ['system:authenticated']}


# --- what they may do

def bound_rules(store, user, namespace):
    """Rules that hold for a user: everywhere, and in a namespace."""
    for key, binding in list(store.objects.items()):
        gv, plural, ns, _ = key.split('|')
        if gv != RBAC or not (plural == 'clusterrolebindings' or plural == 'rolebindings' and ns == namespace):
            continue
        if not any(is_subject(user, subject) for subject in binding.get('subjects') or []):
            continue
        role = binding['roleRef']
        found = store.get(RBAC, 'roles', ns, role['name']) if role['kind'] == 'Role' else store.get(
            RBAC, 'clusterroles', '', role['name']) or {'rules': CLUSTER_ROLES.get(role['name'], [])}
        yield from (found or {}).get('rules') or []


def is_subject(user, subject):
    if subject['kind'] == 'ServiceAccount':
        return user['username'] == f"system:serviceaccount:{subject.get('namespace')}:{subject['name']}"
    return subject['name'] in (user['groups'] if subject['kind'] == 'Group' else [user['username']])


def may(store, user, what):
    """`what` has verb, and path or group, resource, subresource, namespace, name."""
    if 'system:masters' in user['groups']:
        return True
    if what.get('path'):
        open_to_all = ('/api', '/apis', '/version', '/healthz', '/livez', '/readyz', '/openapi')
        if any(what['path'] == path or what['path'].startswith(path + '/') for path in open_to_all):
            return True
    elif what.get('group') in ('authorization.k8s.io', 'authentication.k8s.io') and what['verb'] == 'create' \
            and what['resource'].startswith('selfsubject'):
        return True
    return any(permits(rule, what) for rule in bound_rules(store, user, what.get('namespace', '')))


def permits(rule, what):
    def has(key, *values):
        return any(one in rule.get(key, []) for one in ('*', *values))
    if not has('verbs', what['verb']):
        return False
    if what.get('path'):
        return any(path in ('*', what['path']) or path.endswith('*') and what['path'].startswith(path[:-1])
                   for path in rule.get('nonResourceURLs', []))
    resource, sub = what['resource'], what.get('subresource')
    whole = (f'{resource}/{sub}', f'*/{sub}') if sub else (resource,)
    names = rule.get('resourceNames')
    return has('apiGroups', what.get('group', '')) and has('resources', *whole) and (
        not names or what.get('name') in names)


def wanted(method, path, query):
    """What a request asks for, as RBAC sees it."""
    parts = path.strip('/').split('/')
    verb = {'POST': 'create', 'PUT': 'update'}.get(method, method.lower())
    if parts[0] not in ('api', 'apis') or len(parts) < (3 if parts[0] == 'api' else 4):
        return {'verb': verb, 'path': path}
    group, rest = ('', parts[2:]) if parts[0] == 'api' else (parts[1], parts[3:])
    namespace = ''
    if rest[0] == 'namespaces' and len(rest) > 1:
        namespace = rest[1]
        rest = rest[2:] if len(rest) > 2 and rest[2] not in ('status', 'finalize') else rest
    resource, name, sub = (rest + ['', '', ''])[:3]
    if not name and verb == 'get':
        verb = 'watch' if query.get('watch') in ('1', 'true') else 'list'
    elif not name and verb == 'delete':
        verb = 'deletecollection'
    return {'verb': verb, 'group': group, 'resource': resource, 'subresource': sub, 'namespace': namespace,
            'name': name}


def check(store, user, method, path, query):
    what = wanted(method, path, query)
    if may(store, user, what):
        return
    name = what.get('name') or None
    if what.get('path'):
        raise Refused(f'forbidden: User "{user["username"]}" cannot {what["verb"]} path "{path}"', code=403)
    group, where = what['group'], what['namespace']
    kind = what['resource'] + (f"/{what['subresource']}" if what['subresource'] else '')
    place = f'in the namespace "{where}"' if where else 'at the cluster scope'
    shown = (what['resource'] + (f'.{group}' if group else '')) + (f' "{name}"' if name else '')
    raise Refused(f'{shown} is forbidden: User "{user["username"]}" cannot {what["verb"]} resource "{kind}" in API '
                  f'group "{group}" {place}', code=403)


# --- what may be asked about that

def answer(store, key, user, method, path, body):
    """The answer to a review or a request for a token; None: it is neither."""
    parts = path.strip('/').split('/')
    if method == 'POST' and parts[0] == 'apis' and '/'.join(parts[1:3]) in REVIEWS:
        if parts[3:] and parts[3] in REVIEWS['/'.join(parts[1:3])]:
            return review(store, user, parts[3], body)
    if method == 'POST' and parts[:3] == ['api', 'v1', 'namespaces'] and parts[4:5] == ['serviceaccounts'] \
            and parts[6:] == ['token']:
        account = store.get('v1', 'serviceaccounts', parts[3], parts[5])
        return account and {**body, 'status': token(key, account, body)}
    return None


def review(store, user, plural, body):
    spec = body.get('spec', {})
    if plural == 'selfsubjectreviews':
        return {**body, 'status': {'userInfo': user}}
    if plural == 'selfsubjectaccessreviews':
        paths = spec.get('nonResourceAttributes')
        return {**body, 'status': {'allowed': may(store, user, paths or spec['resourceAttributes'])}}
    found = list(bound_rules(store, user, spec.get('namespace', '')))
    if 'system:masters' in user['groups']:
        found = CLUSTER_ROLES['cluster-admin']
    return {**body, 'status': {'incomplete': False, 'resourceRules': [r for r in found if 'resources' in r],
                               'nonResourceRules': [r for r in found if 'nonResourceURLs' in r]}}


def token(key, account, body):
    meta = account['metadata']
    end = int(time.time()) + int(body.get('spec', {}).get('expirationSeconds') or 3600)
    claims = {'sub': f"system:serviceaccount:{meta['namespace']}:{meta['name']}", 'exp': end, 'uid': meta['uid']}
    text = '.'.join(encoded(json.dumps(part).encode()) for part in ({'alg': 'HS256'}, claims))
    return {'token': f'{text}.{sign(key, text)}',
            'expirationTimestamp': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(end))}


def sign(key, text):
    return encoded(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest())


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip('=')


def decoded(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
