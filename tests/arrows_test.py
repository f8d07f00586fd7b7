"""The arrows between modules: a module includes itself, base, and what stands behind LINKS in CMakeLists.txt: no other, and
nothing stands there that it does not include."""
import os
import re
import unittest

from harness.paths import ROOT

SOURCE = os.path.join(ROOT, "src")


def allowed_includes():
    """module -> the modules that it may include, as CMakeLists.txt says."""
    with open(os.path.join(ROOT, "CMakeLists.txt")) as f:
        text = f.read()
    modules = {}
    for arguments in re.findall(r"^waypost_module\(([^)]*)\)", text, re.M):
        name, *rest = arguments.split()
        links = rest[rest.index("LINKS") + 1:] if "LINKS" in rest else []
        if "LIBRARIES" in links:
            links = links[:links.index("LIBRARIES")]
        modules[name] = {name, "base", *links}
    return modules


def included(path):
    """(line, file) of everything that is included in quotes."""
    with open(path) as f:
        for number, line in enumerate(f, 1):
            match = re.match(r'\s*#\s*include\s*"([^"]*)"', line)
            if match:
                yield number, match.group(1)


def module_of(path):
    return os.path.relpath(path, SOURCE).split(os.sep)[0]


def source_files():
    for folder, _, files in os.walk(SOURCE):
        for name in sorted(files):
            if name.endswith((".cc", ".h")):
                yield os.path.join(folder, name)


class Arrows(unittest.TestCase):
    def test_every_folder_is_a_module(self):
        folders = {name for name in os.listdir(SOURCE) if os.path.isdir(os.path.join(SOURCE, name))}
        self.assertLessEqual(folders, set(allowed_includes()))

    def test_links_point_up_the_list(self):
        above = set()
        for name, links in allowed_includes().items():
            above.add(name)
            self.assertLessEqual(links, above, "%s links what stands below it" % name)

    def test_includes_follow_the_links(self):
        allowed = allowed_includes()
        wrong = []
        for path in source_files():
            module = module_of(path)
            for number, file in included(path):
                # "x.h" and "../x/x.h" would hide where it comes from
                if file.split("/")[0] not in allowed[module] or ".." in file:
                    wrong.append("%s:%d: %s may not include %s" % (os.path.relpath(path, ROOT), number, module, file))
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_every_link_is_used(self):
        unused = {name: links - {name, "base"} for name, links in allowed_includes().items()}
        for path in source_files():
            unused[module_of(path)] -= {file.split("/")[0] for _, file in included(path)}
        self.assertEqual({name: links for name, links in unused.items() if links}, {})

    def test_only_net_sees_asio(self):
        wrong = []
        for path in source_files():
            if os.path.relpath(path, SOURCE).startswith("net" + os.sep):
                continue
            with open(path) as f:
                if re.search(r"^\s*#\s*include\s+<boost/asio", f.read(), re.M):
                    wrong.append(os.path.relpath(path, ROOT))
        self.assertEqual(wrong, [])

    def test_only_the_top_includes_the_daemon(self):
        wrong = [os.path.relpath(path, ROOT) for path in source_files()
                 if not re.match(r"(daemon|tools)/", os.path.relpath(path, SOURCE)) and '#include "daemon/' in open(path).read()]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
