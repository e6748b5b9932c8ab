"""Reads the objects that kubectl sends in protobuf, as far as the pages make it send them. Field numbers are those of
Kubernetes' generated.proto files."""

META = {1: 'name', 2: 'generateName', 3: 'namespace', 11: ('labels', dict), 12: ('annotations', dict)}
BINDING = {1: ('metadata', META), 2: ('subjects', [{1: 'kind', 2: 'apiGroup', 3: 'name', 4: 'namespace'}]),
           3: ('roleRef', {1: 'apiGroup', 2: 'kind', 3: 'name'})}
RULE = {1: ('verbs', [str]), 2: ('apiGroups', [str]), 3: ('resources', [str]), 4: ('resourceNames', [str]),
        5: ('nonResourceURLs', [str])}
KINDS = {
    'Namespace': {1: ('metadata', META)},
    'ServiceAccount': {1: ('metadata', META)},
    'ConfigMap': {1: ('metadata', META), 2: ('data', dict)},
    'Role': {1: ('metadata', META), 2: ('rules', [RULE])},
    'RoleBinding': BINDING,
    'ClusterRoleBinding': BINDING,
    'SelfSubjectReview': {1: ('metadata', META)},
    'SelfSubjectAccessReview': {1: ('metadata', META), 2: ('spec', {
        1: ('resourceAttributes', {1: 'namespace', 2: 'verb', 3: 'group', 4: 'version', 5: 'resource',
                                   6: 'subresource', 7: 'name'}),
        2: ('nonResourceAttributes', {1: 'path', 2: 'verb'})})},
    'SelfSubjectRulesReview': {1: ('metadata', META), 2: ('spec', {1: 'namespace'})},
    'TokenRequest': {1: ('metadata', META), 2: ('spec', {1: ('audiences', [str]), 4: ('expirationSeconds', int)})},
    'DeleteOptions': {},
}


def read(data):
    """The object in a body that begins with k8s and a zero byte; None for a kind that is not known here."""
    outer = message(data[4:], {1: ('type', {1: 'apiVersion', 2: 'kind'}), 2: ('raw', bytes)})
    fields = KINDS.get(outer['type']['kind'])
    return None if fields is None else {**outer['type'], **message(outer.get('raw', b''), fields)}


def message(data, fields):
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise ValueError(f'wire type {tag & 7} is not one that these objects have')
        field = fields.get(tag >> 3)
        if field is None:
            continue
        name, kind = (field, str) if isinstance(field, str) else field
        if kind is dict:
            pair = message(value, {1: 'key', 2: 'value'})
            found.setdefault(name, {})[pair.get('key', '')] = pair.get('value', '')
        elif isinstance(kind, list):
            found.setdefault(name, []).append(one(value, kind[0]))
        else:
            found[name] = one(value, kind)
    return found


def one(value, kind):
    if isinstance(kind, dict):
        return message(value, kind)
    return value.decode() if kind is str else value


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at
