#include <gmock/gmock.h>
#include <sys/stat.h>

#include <map>

#include "tables/database_rows.h"
#include "tables/temporary_files.h"
#include "tools/postmap_build.h"
#include "tools/postmap_options.h"
#include "tools/postmap_query.h"

namespace waypost::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using namespace std::string_literals;

class PostmapTest : public ::testing::Test {
 protected:
  using Stored = std::map<std::string, std::string>;

  TableName table(std::string type = "hash") const { return {std::move(type), files_.path("t")}; }
  // The warnings without the folder's name, or the error.
  std::vector<std::string> build(std::string_view text, PostmapOptions options = {}, std::string type = "hash") {
    files_.write("t", text);
    std::vector<std::string> warnings;
    const auto built = build_table(table(std::move(type)), options, warnings);
    if (!built) warnings.push_back("fatal: " + built.error().text);
    return shortened(std::move(warnings));
  }
  std::vector<std::string> update(std::string_view text, PostmapOptions options = {}) {
    std::vector<std::string> warnings;
    const auto updated = update_table(table(), options, text, warnings);
    if (!updated) warnings.push_back("fatal: " + updated.error().text);
    return shortened(std::move(warnings));
  }
  std::vector<std::string> shortened(std::vector<std::string> texts) const {
    const std::string folder = files_.path("");
    for (auto& text : texts) {
      for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder)) text.erase(at, folder.size());
    }
    return texts;
  }
  // The records with their NUL bytes.
  Stored stored(std::string_view type = "hash") const {
    Stored found;
    const auto rows = tables::load_raw_database_rows(*tables::find_database(type), files_.path("t"));
    EXPECT_TRUE(rows);
    if (rows) (*rows)->for_each([&](std::string_view key, std::string_view value) { found.emplace(key, value); });
    return found;
  }
  std::string ask(const TableName& name, std::string_view key, PostmapOptions options = {}) {
    std::vector<std::string> warnings;
    const auto opened = QueriedTable::open(name, options, warnings);
    if (!opened) return "fatal: " + shortened({opened.error().text}).front();
    const auto value = opened->find(key, warnings);
    if (!value) return "fatal: " + value.error().text;
    return value->value_or("-");
  }
  mode_t mode_of(std::string_view name) const {
    struct stat status{};
    EXPECT_EQ(::stat(files_.path(name).c_str(), &status), 0);
    return status.st_mode & 07777;
  }
  tables::TemporaryFiles files_;
};

TEST_F(PostmapTest, StoresFoldedKeysWithNulBytes) {
  EXPECT_THAT(build("Key  Value one\n\"q x\" y\n"), IsEmpty());
  EXPECT_THAT(stored(), UnorderedElementsAre(Pair("key\0"s, "Value one\0"s), Pair("\"q x\"\0"s, "y\0"s)));
  EXPECT_THAT(build("Key v\n", {.fold = false, .nul_bytes = tables::NulBytes::absent}, "btree"), IsEmpty());
  EXPECT_THAT(stored("btree"), ElementsAre(Pair("Key", "v")));
}

TEST_F(PostmapTest, FirstDuplicateStaysWithAWarning) {
  EXPECT_THAT(build("a 1\nA 2\n"), ElementsAre("t.db: duplicate entry: \"a\""));
  EXPECT_EQ(stored()["a\0"s], "1\0"s);
  EXPECT_THAT(build("a 1\nA 2\n", {.duplicates = tables::Duplicates::keep_first}), IsEmpty());
  EXPECT_EQ(stored()["a\0"s], "1\0"s);
  EXPECT_THAT(build("a 1\nA 2\n", {.duplicates = tables::Duplicates::replace}), IsEmpty());
  EXPECT_EQ(stored()["a\0"s], "2\0"s);
}

TEST_F(PostmapTest, WarnsAboutDoubtfulLinesInOrder) {
  EXPECT_THAT(
      build("a 1\nlonely\nk: v\na 2\n\"open\n"),
      ElementsAre("t, line 2: expected format: key whitespace value",
                  "t, line 3: record is in \"key: value\" format; is this an alias file?",
                  "t.db: duplicate entry: \"a\"", "t, line 5: unbalanced '\"' in '\"open' -- ignoring this line"));
}

TEST_F(PostmapTest, RegexpSourceBuildsAUselessFileWithoutFailing) {
  EXPECT_THAT(build("/^Received: from (internal|localhost)/ IGNORE\n/^X-Originating-IP:/ IGNORE\n",
                    {.duplicates = tables::Duplicates::replace}),
              ElementsAre("t, line 1: record is in \"key: value\" format; is this an alias file?"));
}

TEST_F(PostmapTest, ModeFollowsTheSourceOrTheOldFile) {
  files_.write("t", "a b\n");
  ::chmod(files_.path("t").c_str(), 0600);
  std::vector<std::string> warnings;
  ASSERT_TRUE(build_table(table(), {}, warnings));
  EXPECT_EQ(mode_of("t.db"), 0600U);
  ::chmod(files_.path("t.db").c_str(), 0640);
  ASSERT_TRUE(build_table(table(), {}, warnings));
  EXPECT_EQ(mode_of("t.db"), 0640U) << "as it was";
}

TEST_F(PostmapTest, LeavesNothingBehindWhenItFails) {
  EXPECT_THAT(build("a b\n", {}, "texthash"),
              ElementsAre("fatal: unsupported dictionary type: texthash does not support bulk-mode creation."));
  EXPECT_THAT(build("a b\n", {}, "proxy"), ElementsAre("fatal: can't create maps via the proxy service"));
  std::vector<std::string> warnings;
  const auto built = build_table({"hash", files_.path("none")}, {}, warnings);
  ASSERT_FALSE(built);
  EXPECT_EQ(shortened({built.error().text}).front(), "open none: No such file or directory");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(files_.path("")), {}), 1);
}

TEST_F(PostmapTest, UpdatesWhatIsThere) {
  build("a 1\n");
  EXPECT_THAT(update("b 2\nA 3\n"), ElementsAre("t.db: duplicate entry: \"a\""));
  EXPECT_THAT(stored(), UnorderedElementsAre(Pair("a\0"s, "1\0"s), Pair("b\0"s, "2\0"s)));
  EXPECT_THAT(update("a 4\n", {.duplicates = tables::Duplicates::replace}), IsEmpty());
  EXPECT_EQ(stored()["a\0"s], "4\0"s);
  ::unlink(files_.path("t.db").c_str());
  EXPECT_THAT(update("only one\n"), IsEmpty());
  EXPECT_THAT(stored(), ElementsAre(Pair("only\0"s, "one\0"s)));
}

TEST_F(PostmapTest, RemovesKeysWithAndWithoutNul) {
  build("a 1\nb 2\n");
  update("c 3\n", {.nul_bytes = tables::NulBytes::absent});
  EXPECT_EQ(*remove_keys(table(), {}, {"A", "C", "x"}), true);
  EXPECT_THAT(stored(), ElementsAre(Pair("b\0"s, "2\0"s)));
  EXPECT_EQ(*remove_keys(table(), {}, {"a"}), false);
  EXPECT_EQ(remove_keys({"foo", "x"}, {}, {"a"}).error().text, "unsupported dictionary type: foo");
  EXPECT_EQ(remove_keys({"texthash", "x"}, {}, {"a"}).error().text, "texthash:x map requires O_RDONLY access mode");
}

TEST_F(PostmapTest, AsksEveryType) {
  build("Key db\n");
  EXPECT_EQ(ask(table(), "KEY"), "db");
  EXPECT_EQ(ask(table(), "KEY", {.fold = false}), "-");
  EXPECT_EQ(ask(table("texthash"), "key"), "db");
  EXPECT_EQ(ask({"inline", "{a=b}"}, "A"), "b");
  EXPECT_EQ(ask({"static", "x"}, "any"), "x");
  EXPECT_EQ(ask({"cidr", "{{10.0.0.0/8 ten}}"}, "10.1.1.1"), "ten");
  EXPECT_EQ(ask(table("btree"), "key"), "fatal: open database t.db: the file is a hash database, not btree");
  EXPECT_EQ(ask({"hash", files_.path("none")}, "a"), "fatal: open database none.db: No such file or directory");
  EXPECT_EQ(ask({"foo", "x"}, "a"), "fatal: unsupported dictionary type: foo");
  EXPECT_EQ(ask({"inline", "{a=b c}"}, "a"),
            "fatal: missing '=' after attribute name: \"inline:{a=b c}\"; need \"inline:{name=value...}\"");
}

TEST_F(PostmapTest, DumpsTypesThatHaveRows) {
  std::vector<std::string> warnings;
  const auto rows = QueriedTable::open({"inline", "{a=b,c=d}"}, {}, warnings);
  std::string seen;
  ASSERT_TRUE(rows->for_each([&](std::string_view key, std::string_view value) {
    seen += std::string(key) + "=" + std::string(value) + ";";
  }));
  EXPECT_EQ(seen, "a=b;c=d;");
  const auto none = QueriedTable::open({"static", "x"}, {}, warnings);
  EXPECT_EQ(none->for_each([](std::string_view, std::string_view) {}).error().text,
            "table static:x: sequence operation is not supported");
}

class PostmapOptionsTest : public ::testing::Test {
 protected:
  static Result<PostmapOptions> parse(std::vector<std::string> words) {
    words.insert(words.begin(), "postmap");
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    return parse_postmap_options(MapCommand::postmap, static_cast<int>(words.size()), arguments.data());
  }
};

TEST_F(PostmapOptionsTest, ReadActions) {
  EXPECT_EQ(parse({"hash:x", "y"})->tables, (std::vector<std::string>{"hash:x", "y"}));
  EXPECT_EQ(parse({"-r", "x"})->duplicates, tables::Duplicates::replace);
  EXPECT_EQ(parse({"-q", "-", "x"})->action, PostmapAction::query);
  EXPECT_EQ(parse({"-d", "key", "x"})->key, "key");
  EXPECT_EQ(parse({"-c", "/dir", "-fin", "x"})->config_directory, "/dir");
  EXPECT_EQ(parse({"-s"})->action, PostmapAction::dump);
}

TEST_F(PostmapOptionsTest, RefuseNonsense) {
  EXPECT_THAT(parse({}).error().text, ::testing::StartsWith("usage: postmap [-bfFhimnNoprsuUvw]"));
  EXPECT_THAT(parse({"-Z"}).error().text, ::testing::StartsWith("usage: postmap"));
  EXPECT_EQ(parse({"-q", "a", "-d", "b", "x"}).error().text, "specify only one of -s -q or -d");
  EXPECT_EQ(parse({"-b", "x"}).error().text, "specify -b -h or -m only with \"-q -\"");
  EXPECT_EQ(parse({"-m", "-q", "a", "x"}).error().text, "specify -b -h or -m only with \"-q -\"");
}

}  // namespace
}  // namespace waypost::tools
