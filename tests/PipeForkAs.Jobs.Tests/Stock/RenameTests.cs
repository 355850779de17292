using System.Text;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.StockJobs;

namespace PipeForkAs.Jobs.Tests.Stock;

public sealed class RenameTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_a_directory_and_a_link_get_the_new_path()
    {
        File.WriteAllText(folder["file"], "content");
        Directory.CreateDirectory(folder["directory/sub"]);
        File.CreateSymbolicLink(folder["link"], "directory");
        Assert.Equal(new PathResult(folder["directory/file"]), Move("file", "directory/file"));
        Move("directory", "moved");
        Move("link", "other");
        Assert.Equal(["moved", "other"], folder.Names);
        Assert.Equal("content", File.ReadAllText(folder["moved/file"]));
        Assert.Equal("directory", new FileInfo(folder["other"]).LinkTarget);
    }

    [Fact]
    public void Nothing_is_replaced_unless_that_is_asked_for()
    {
        File.WriteAllText(folder["one"], "one");
        File.WriteAllText(folder["two"], "two");
        File.CreateSymbolicLink(folder["dangling"], "nowhere");
        Directory.CreateDirectory(folder["empty"]);
        foreach (string taken in new[] { "two", "dangling", "empty", "one" })
            Assert.Contains("replace=true", Failures.Assert("exists", Errno.EEXIST, () => Move("one", taken)).Message);
        Assert.Equal(("one", "two"), (File.ReadAllText(folder["one"]), File.ReadAllText(folder["two"])));

        Move("one", "two", replace: true);
        Move("two", "dangling", replace: true);
        Assert.Equal(["dangling", "empty"], folder.Names);
        Assert.Equal("one", File.ReadAllText(folder["dangling"]));
    }

    [Fact]
    public void A_directory_replaces_only_an_empty_directory()
    {
        Directory.CreateDirectory(folder["new"]);
        Directory.CreateDirectory(folder["full/sub"]);
        Directory.CreateDirectory(folder["empty"]);
        File.WriteAllText(folder["file"], "");
        Assert.Contains("not empty", Failures.Assert("not-empty", Errno.ENOTEMPTY, () => Move("new", "full", replace: true)).Message);
        Failures.Assert("is-a-directory", Errno.EISDIR, () => Move("file", "empty", replace: true));
        Failures.Assert("not-a-directory", Errno.ENOTDIR, () => Move("new", "file", replace: true));
        Move("full", "empty", replace: true);
        Assert.Equal(["empty", "file", "new"], folder.Names);
        Assert.True(Directory.Exists(folder["empty/sub"]));
    }

    [Fact]
    public void Two_names_of_one_file_are_not_reported_as_renamed()
    {
        File.WriteAllText(folder["one"], "content");
        Assert.Equal(Errno.None, Libc.link(Bytes("one"), Bytes("two")));
        Assert.Contains(
            "two names of one file", Failures.Assert("exists", Errno.EEXIST, () => Move("one", "two", replace: true)).Message);
        Move("one", "./one", replace: true); // The same name: there is nothing to do.
        Assert.Equal(["one", "two"], folder.Names);
    }

    [Fact]
    public void A_directory_is_not_moved_into_itself()
    {
        Directory.CreateDirectory(folder["a/b"]);
        foreach (bool replace in new[] { false, true })
        {
            Assert.Contains(
                "inside of it", Assert.Throws<JobArgumentsException>(() => Move("a", "a/b/c", replace)).Message);
        }

        Assert.Empty(Directory.GetFileSystemEntries(folder["a/b"]));
    }

    [Theory]
    [InlineData(".")]
    [InlineData("directory/.")]
    [InlineData("directory/..")]
    public void Dots_are_not_a_new_name(string to)
    {
        Directory.CreateDirectory(folder["directory"]);
        File.WriteAllText(folder["file"], "");
        Assert.Throws<JobException>(() => Move("file", to, replace: true));
        Assert.Throws<JobException>(() => Move(to, "new"));
        Assert.Equal(["directory", "file"], folder.Names);
    }

    [Fact]
    public void Paths_are_given_as_text_or_as_bytes()
    {
        File.WriteAllText(folder["one"], "content");
        byte[] odd = [.. Bytes("odd"), 0xFF];
        string handle = Convert.ToBase64String(odd);
        Assert.Equal(
            new PathResult(Encoding.UTF8.GetString(odd), handle), Rename.Move(new(folder["one"], ToBytes: handle)));
        Assert.Equal(folder["two"], Rename.Move(new(PathBytes: handle, To: folder["two"])).Path);
        Assert.Equal(["two"], folder.Names);
    }

    [Theory]
    [InlineData(null, null, "the argument to is missing")]
    [InlineData("/x", "L3g=", "to and toBytes cannot be combined")]
    [InlineData(null, "L3g", "toBytes must be the bytes of a path in base64")]
    [InlineData("", null, "empty")]
    [InlineData("/x\0", null, "NUL")]
    [InlineData(null, "L3gA", "NUL")]
    public void The_new_path_is_required_once(string? to, string? bytes, string reason) => Assert.Contains(
        reason, Assert.Throws<JobArgumentsException>(() => Rename.Move(new("/nonexistent", to, ToBytes: bytes))).Message);

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains(folder["missing"], Failures.Assert("not-found", Errno.ENOENT, () => Move("missing", "new")).Message);

    [Fact(Timeout = 60_000)]
    public async Task A_bind_mount_is_another_file_system_and_the_message_says_what_to_do()
    {
        Directory.CreateDirectory(folder["a"]);
        Directory.CreateDirectory(folder["b"]);
        File.WriteAllText(folder["a/file"], "content");
        ToolResult result = await Namespace.RunAsync(
            $"mount --bind {folder["a"]} {folder["b"]}", ["rename", $"path={folder["a/file"]}", $"to={folder["b/new"]}"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("error: other-file-system: ", result.Error);
        Assert.Contains("copy it and remove the original", result.Error);
    }

    private PathResult Move(string from, string to, bool replace = false) => Rename.Move(new(folder[from], folder[to], replace));

    private byte[] Bytes(string name) => Encoding.UTF8.GetBytes(folder[name]);
}
