"""The stand-in's deploy controller: applies the files of a server's manifests folder, as k3s' pkg/deploy/controller.go does.

Each server works on its own files, on all of them at its start and then on those that changed. An Addon keeps the checksum of
what was applied; what went wrong is an event. What a file no longer holds is deleted, but nothing when the file goes.
"""
import hashlib
import os
import time

import kube

OWNER = 'objectset.rio.cattle.io/owner-name'
ADDONS = ('k3s.cattle.io/v1', 'addons')


class Failed(Exception):
    """What the event says: a reason and a message."""


def path_of(gv, plural, namespace='', name=''):
    base = f'/apis/{gv}/' if '/' in gv else f'/api/{gv}/'
    return base + (f'namespaces/{namespace}/' if namespace else '') + plural + (f'/{name}' if name else '')


def resource_of(obj):
    for plural, (kind, namespaced, _) in kube.RESOURCES.get(obj.get('apiVersion'), {}).items():
        if kind == obj.get('kind'):
            return plural, namespaced
    raise Failed('ApplyManifestFailed', f'no matches for kind "{obj.get("kind")}" in version "{obj.get("apiVersion")}"')


class Deployer:
    def __init__(self, folder, ask, log):
        """`ask`: method, path, body -> status, object: a request to the API."""
        self.folder, self.ask, self.log, self.times = folder, ask, log, {}

    def files(self):
        found = sorted(os.path.join(place, name) for place, _, names in os.walk(self.folder) for name in names)
        skipped = {path[:-5] for path in found if path.endswith('.skip')}
        return [path for path in found if path not in skipped and not os.path.basename(path).startswith('.')
                and path.lower().endswith(('.yaml', '.yml', '.json'))]

    def pass_over(self, force):
        for path in self.files():
            try:
                modified = os.stat(path).st_mtime_ns
                if force or self.times.get(path) != modified:
                    self.deploy(path, force)
                    self.times[path] = modified
            except Failed as e:
                reason, message = e.args
                self.event(addon_of(path), 'Warning', reason, f'Applying manifest at "{path}" failed: {message}')
                self.log('error', f'Failed to process config: failed to process {path}: {message}')
            except OSError as e:
                self.log('error', f'Failed to process config: failed to process {path}: {e.strerror}')

    def deploy(self, path, force):
        import yaml
        with open(path, 'rb') as f:
            text = f.read()
        name, checksum = addon_of(path), hashlib.sha256(text).hexdigest()
        status, addon = self.ask('GET', path_of(*ADDONS, 'kube-system', name))
        if status == 200 and not force and addon['spec']['checksum'] == checksum:
            return
        try:
            objects = [one for one in yaml.safe_load_all(text) if one is not None]
            objects = [one for obj in objects for one in obj.get('items', [obj])]
        except (yaml.YAMLError, AttributeError) as e:
            raise Failed('ParseManifestFailed', str(e).splitlines()[0]) from e
        kept = [self.apply(name, obj) for obj in objects]
        for gv, resources in kube.RESOURCES.items():
            for plural in resources:
                self.prune(name, gv, plural, kept)
        spec = {'source': path, 'checksum': checksum}
        body = {'metadata': {'name': name, 'namespace': 'kube-system'}, 'spec': spec}
        self.write(path_of(*ADDONS, 'kube-system'), name, body)
        self.event(name, 'Normal', 'AppliedManifest', f'Applied manifest at "{path}"')

    def apply(self, owner, obj):
        plural, namespaced = resource_of(obj)
        meta = obj['metadata']
        if namespaced:
            meta.setdefault('namespace', 'default')
        meta['annotations'] = {**(meta.get('annotations') or {}), OWNER: owner}
        base = path_of(obj['apiVersion'], plural, meta.get('namespace', '') if namespaced else '')
        self.write(base, meta['name'], obj)
        return f'{base}/{meta["name"]}'

    def write(self, base, name, obj):
        status, answer = self.ask('PATCH', f'{base}/{name}', obj)
        if status == 404:
            status, answer = self.ask('POST', base, obj)
        if status >= 300:
            raise Failed('ApplyManifestFailed', answer.get('message', str(status)))

    def prune(self, owner, gv, plural, kept):
        _, answer = self.ask('GET', path_of(gv, plural))
        for obj in answer.get('items', []):
            meta = obj['metadata']
            path = path_of(gv, plural, meta.get('namespace', ''), meta['name'])
            if (meta.get('annotations') or {}).get(OWNER) == owner and path not in kept:
                self.ask('DELETE', path)

    def event(self, addon, kind, reason, message):
        name = f'{addon}.{kube.short_hash(reason + message, 16)}'
        stamp = kube.now()
        about = {'kind': 'Addon', 'apiVersion': ADDONS[0], 'name': addon, 'namespace': 'kube-system'}
        try:
            self.write(path_of('v1', 'events', 'kube-system'), name, {
                'metadata': {'name': name, 'namespace': 'kube-system'}, 'involvedObject': about, 'type': kind,
                'reason': reason, 'message': message, 'firstTimestamp': stamp, 'lastTimestamp': stamp})
        except Failed:
            pass

    def run(self, every):
        force = True
        while True:
            self.pass_over(force)
            force = False
            time.sleep(every())


def addon_of(path):
    return os.path.basename(path).partition('.')[0]
