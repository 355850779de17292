"""Writes a collection of Ansible, as `ansible-galaxy collection build` does, and the same bytes each time: see pack-ansible.sh."""

import gzip
import hashlib
import io
import json
import os
import sys
import tarfile

SOURCE = "packaging/ansible"
COPIED = {"plugins/module_utils/pipeforkas.py": "src/clients/python/pipeforkas/__init__.py", "LICENSE": "LICENSE"}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def sources():
    """Returns the content of each file of the collection by its path in it."""
    found = {place: read(origin) for place, origin in COPIED.items()}
    for folder, folders, names in os.walk(SOURCE):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in names:
            path = os.path.join(folder, name)
            place = os.path.relpath(path, SOURCE)
            if place != "collection.json":
                if place in found:
                    raise SystemExit(f"pack_ansible.py: {path} would replace a copied file; remove it")
                found[place] = read(path)
    return dict(sorted(found.items()))


def entry(name, content):
    digest = None if content is None else hashlib.sha256(content).hexdigest()
    kind = "dir" if content is None else "file"
    return {"name": name, "ftype": kind, "chksum_type": digest and "sha256", "chksum_sha256": digest, "format": 1}


def folders(files):
    found = set()
    for name in files:
        while name := os.path.dirname(name):
            found.add(name)
    return sorted(found)


def to_json(value):
    return (json.dumps(value, indent=1) + "\n").encode()


def main(version, target):
    files = sources()
    listed = [entry(".", None)] + [entry(name, None) for name in folders(files)] + [entry(*file) for file in files.items()]
    index = to_json({"files": listed, "format": 1})
    with open(f"{SOURCE}/collection.json", encoding="utf-8") as file:
        information = dict(json.load(file), version=version)
    manifest = to_json({"collection_info": information, "file_manifest_file": entry("FILES.json", index), "format": 1})

    time = int(os.environ["SOURCE_DATE_EPOCH"])
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in folders(files):
            item = tarfile.TarInfo(name)
            item.type, item.mode, item.mtime = tarfile.DIRTYPE, 0o755, time
            tar.addfile(item)
        for name, content in {"MANIFEST.json": manifest, "FILES.json": index, **files}.items():
            item = tarfile.TarInfo(name)
            item.size, item.mode, item.mtime = len(content), 0o644, time
            tar.addfile(item, io.BytesIO(content))
    with open(target, "wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=time) as packed:
        packed.write(archive.getvalue())


if __name__ == "__main__":
    main(*sys.argv[1:])
