"""What RKE2 says: plays recordings of the real one (tests/fixtures/rke2-1.35.0), line by line.

Names, addresses, versions and times become those of this node; texts and their order stay as recorded.
"""
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
FOLDERS = [HERE + '/recordings', HERE + '/../fixtures/rke2-1.35.0']
FOLDER = next((path for path in FOLDERS if os.path.isdir(path)), FOLDERS[1])
# One process in a journal; where no single one went the whole way, the first up to a line and the next from a line on.
SCENES = {
    'server': [('server-start.journal', 590)],
    'server again': [('power-cut.journal', 235, '', 'Pod for kube-apiserver is synced'),
                     ('upgrade.journal', 20700, 'Kube API server is now running')],
    'server joins': [('second-server.journal', 663, '', 'Adding member'),
                     ('second-server.journal', 433, 'Connected to etcd', 'Bootstrap key already exists'),
                     ('second-server.journal', 1475, 'Pod for etcd is synced')],
    'server joins again': [('second-server.journal', 1475)],
    'cut-off server': [('cut-off-first-start.journal', 234)],
    'agent': [('agent-join.journal', 640)],
    'agent again': [('wrong-token.journal', 1142)],
}
NAMES = {'server': ('kubemaster', '192.168.1.30'), 'server again': ('kubemaster', '192.168.1.30'),
         'cut-off server': ('kubemaster', '192.168.1.30'),
         'server joins': ('server02', '192.168.1.32'), 'server joins again': ('server02', '192.168.1.32'),
         'agent': ('worker01', '192.168.1.31'), 'agent again': ('worker01', '192.168.1.31')}
FIRST_SERVER = '192.168.1.30'
IMPORTS = re.compile(r'msg="(Importing images|Imported|Tagged) ')


def read(name):
    with open(f'{FOLDER}/{name}') as f:
        return f.read().splitlines()


def seconds_of(stamp):
    return time.mktime(time.strptime(stamp[:19], '%Y-%m-%dT%H:%M:%S'))


def process(name, pid, start='', end=''):
    """What one process said: (time, text without its time)."""
    lines = []
    for line in read(name):
        found = re.match(rf'(\S+) \S+ rke2\[{pid}\]: (?:time="[^"]*" )?(.*)$', line)
        if found and (lines or start in found[2]):
            lines.append((seconds_of(found[1]), found[2]))
            if end and end in found[2]:
                break
    return lines


def scene(name):
    lines, shift = [], 0
    for part in SCENES[name]:
        more = process(*part)
        shift = lines[-1][0] - more[0][0] if lines else 0
        lines += [(at + shift, text) for at, text in more]
    return lines


def say(text):
    """One line of the journal; etcd's own lines are JSON, with their own time."""
    now = time.time()
    stamp = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))
    if text.startswith('{'):
        line = re.sub(r'"ts":"[^"]*"', f'"ts":"{stamp}.{int(now % 1 * 1e6):06d}Z"', text, count=1)
    else:
        line = f'time="{stamp}Z" {text}'
    sys.stderr.write(line + '\n')
    sys.stderr.flush()


class Play:
    """Says the lines of a scene one after another, `scale` times as slowly as recorded."""

    def __init__(self, name, node, ip, server, version, scale, images):
        (old_name, old_ip), tag = NAMES[name], version.replace('+', '-')
        self.words = {old_name: node, old_ip: ip}
        if old_ip != FIRST_SERVER:
            self.words[FIRST_SERVER] = server
        self.words.update({f'v1.35.{n}{sign}rke2r1': version if sign == '+' else tag
                           for n in '01' for sign in '+-'})
        self.words['233368982cc7242d3eb01e22112343839e8e8f2d'] = 'stand-in'
        self.pattern = re.compile('|'.join(map(re.escape, self.words)))
        self.lines = [line for line in scene(name) if images or not IMPORTS.search(line[1])]
        self.scale, self.at, self.import_start = scale, self.lines[0][0], time.monotonic()
        self.on_import, self.said = lambda: None, []

    def filled(self, text):
        took = f'{time.monotonic() - self.import_start:.9f}s'
        return self.pattern.sub(lambda found: self.words[found[0]],
                                re.sub(r'(?<=tar\.zst in )[^"]+', took, text))

    def next(self):
        at, text = self.lines.pop(0)
        time.sleep((at - self.at) * self.scale)
        self.at = at
        self.said.append(text)
        if 'Importing images' in text:
            self.import_start = time.monotonic()
            self.on_import()
        say(self.filled(text))

    def up_to(self, fragment):
        """Up to the line with this fragment, without it; nothing if it was said before."""
        if any(fragment in text for _, text in self.lines):
            while fragment not in self.lines[0][1]:
                self.next()
        elif not any(fragment in text for text in self.said):
            raise LookupError(f'no line with {fragment}')

    def until(self, fragment):
        self.up_to(fragment)
        if self.is_next(fragment):
            self.next()

    def is_next(self, fragment):
        return bool(self.lines) and fragment in self.lines[0][1]

    def rest(self):
        while self.lines:
            self.next()

    def repeat(self, fragments, lasts, pause):
        """The recorded lines with these fragments again and again, as long as something lasts."""
        recorded = [text for _, text in scene('server')]
        chosen = [next(text for text in recorded if fragment in text) for fragment in fragments]
        while lasts():
            for text in chosen:
                say(self.filled(text))
            time.sleep(pause)


def import_track(name='import-race.containerd.txt'):
    """containerd's log while images are imported: (seconds since the import began, text without its time)."""
    begin = next(at for at, text in process('server-start.journal', 590) if 'Importing images' in text)
    found = [re.match(r'time="([^"]*)" (.*)$', line) for line in read(name)]
    return [(max(0, seconds_of(one[1]) - begin), one[2]) for one in found if one]


def import_lines():
    """The journal's lines on the images that were imported: (seconds since the import began, text)."""
    lines = process('server-start.journal', 590)
    begin = next(at for at, text in lines if 'Importing images' in text)
    return [(at - begin, text) for at, text in lines if re.search(r'msg="(Imported|Tagged) ', text)]
