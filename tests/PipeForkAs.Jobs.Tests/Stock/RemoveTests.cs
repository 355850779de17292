using System.Text;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.StockJobs;

namespace PipeForkAs.Jobs.Tests.Stock;

public sealed class RemoveTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_a_link_and_an_empty_directory_are_removed()
    {
        File.WriteAllText(folder["file"], "");
        Directory.CreateDirectory(folder["kept/sub"]);
        Directory.CreateDirectory(folder["empty"]);
        File.CreateSymbolicLink(folder["link"], "kept");
        Assert.Equal(new RemoveResult(folder["file"], 1), Delete("file"));
        Assert.Equal(1, Delete("link").Removed);
        Assert.Equal(1, Delete("empty/").Removed);
        Assert.Equal(["kept"], folder.Names);
        Assert.True(Directory.Exists(folder["kept/sub"]));
        Failures.Assert("not-found", Errno.ENOENT, () => Delete("file"));
    }

    [Fact]
    public void A_directory_with_entries_is_removed_only_if_that_is_asked_for()
    {
        Directory.CreateDirectory(folder["a/b/c"]);
        Directory.CreateDirectory(folder["a/d"]);
        File.WriteAllText(folder["a/b/file"], "");
        File.WriteAllText(folder["a/.hidden"], "");
        Assert.Contains("recursive=true", Failures.Assert("not-empty", Errno.ENOTEMPTY, () => Delete("a")).Message);
        Assert.True(File.Exists(folder["a/b/file"]));
        Assert.Equal(new RemoveResult(folder["a"], 6), Delete("a", recursive: true));
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_link_in_a_tree_is_removed_and_what_it_leads_to_is_kept()
    {
        Directory.CreateDirectory(folder["kept"]);
        File.WriteAllText(folder["kept/file"], "");
        Directory.CreateDirectory(folder["a"]);
        File.CreateSymbolicLink(folder["a/link"], "../kept");
        File.CreateSymbolicLink(folder["top"], "kept");
        Assert.Equal(2, Delete("a", recursive: true).Removed);
        Assert.Equal(1, Delete("top", recursive: true).Removed);
        Assert.True(File.Exists(folder["kept/file"]));
    }

    [Fact]
    public void A_slash_at_the_end_demands_a_directory()
    {
        Directory.CreateDirectory(folder["directory"]);
        File.WriteAllText(folder["file"], "");
        File.CreateSymbolicLink(folder["link"], "directory");
        foreach (string name in new[] { "file/", "link/" })
            Failures.Assert("not-a-directory", Errno.ENOTDIR, () => Delete(name, recursive: true));
        Assert.Equal(["directory", "file", "link"], folder.Names);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("//")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("./")]
    [InlineData("sub/.")]
    [InlineData("sub/..")]
    [InlineData("sub/../")]
    public void A_path_without_a_name_at_the_end_is_refused(string path)
    {
        foreach (bool recursive in new[] { false, true })
        {
            Assert.Contains(
                "must end with a name",
                Assert.Throws<JobArgumentsException>(() => Remove.Delete(new(path, recursive), Failures.Context)).Message);
        }
    }

    [Fact]
    public void The_home_and_the_folders_above_it_are_kept_whatever_path_leads_there()
    {
        Directory.CreateDirectory(folder["users/alice/files"]);
        Directory.CreateDirectory(folder["users/bob"]);
        File.CreateSymbolicLink(folder["link"], "users");
        JobContext context = Failures.WithHome(folder["users/alice"]);
        foreach (string path in new[] { "users", "users/alice", "link/alice/", "users/bob/../alice" })
        {
            Assert.Contains(
                "home of the user",
                Failures.Assert("kept", Errno.None, () => Remove.Delete(new(folder[path], Recursive: true), context)).Message);
            Failures.Assert("kept", Errno.None, () => Remove.Delete(new(folder[path]), context));
        }

        Assert.True(Directory.Exists(folder["users/bob"]));
        Assert.Equal(1, Remove.Delete(new(folder["users/alice/files"], Recursive: true), context).Removed);
        Assert.Equal(1, Remove.Delete(new(folder["link"], Recursive: true), context).Removed);
    }

    [Fact]
    public void A_home_that_was_moved_into_the_tree_is_kept()
    {
        // As if another process had moved it there: at the beginning, the home is not in the tree.
        Directory.CreateDirectory(folder["home"]);
        Directory.CreateDirectory(folder["tree"]);
        var kept = new KeptFolders(folder["home"]);
        Directory.Move(folder["home"], folder["tree/home"]);
        using FileDescriptor parent = Libc.open(folder.Path, OpenFlags.O_PATH);
        using var removal = new TreeRemoval(parent, FilePath.OfBytes(Encoding.UTF8.GetBytes(folder["tree"])), kept);
        Assert.Contains(
            folder["tree/home"], Failures.Assert("kept", Errno.None, () => removal.Remove("tree"u8.ToArray())).Message);
        Assert.True(Directory.Exists(folder["tree/home"]));
    }

    [Fact]
    public void Names_that_are_not_text_are_removed_by_their_bytes()
    {
        byte[] odd = [.. Encoding.UTF8.GetBytes(folder.Path), (byte)'/', 0xFF, (byte)'\n'];
        string handle = Convert.ToBase64String(odd);
        MakeDirectory.Make(new(PathBytes: handle));
        MakeDirectory.Make(new(PathBytes: Convert.ToBase64String([.. odd, (byte)'/', 0xFE])));
        RemoveResult result = Remove.Delete(new(PathBytes: handle, Recursive: true), Failures.Context);
        Assert.Equal((2, handle), (result.Removed, result.PathBytes));
        Assert.Empty(folder.Names);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_tree_deeper_than_any_path_is_removed_with_few_descriptors()
    {
        const int Levels = 10_000;
        MakeDirectory.Make(new(folder[string.Concat(Enumerable.Repeat("d/", Levels))], Parents: true));
        MakeDirectory.Make(new(folder[string.Concat(Enumerable.Repeat("d/", Levels / 2)) + "e/f"], Parents: true));

        // The runtime needs most of them.
        ToolResult result = await Namespace.RunAsync("ulimit -n 160", ["remove", $"path={folder["d"]}", "recursive=true"]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains($"\"removed\":{Levels + 2}", result.Text);
        Assert.Empty(folder.Names);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_mount_in_the_tree_is_not_entered_and_the_message_names_it()
    {
        Directory.CreateDirectory(folder["tree/mounted"]);
        Directory.CreateDirectory(folder["other"]);
        File.WriteAllText(folder["other/file"], "");
        ToolResult bind = await Namespace.RunAsync(
            $"mount --bind {folder["other"]} {folder["tree/mounted"]}", ["remove", $"path={folder["tree"]}", "recursive=true"]);
        Assert.Contains($"error: other-file-system: {folder["tree/mounted"]} is a mount point", bind.Error);
        ToolResult itself = await Namespace.RunAsync(
            $"mount --bind {folder["other"]} {folder["tree"]}", ["remove", $"path={folder["tree"]}", "recursive=true"]);
        Assert.Contains($"error: other-file-system: {folder["tree"]} is a mount point", itself.Error);
        Assert.True(File.Exists(folder["other/file"]));
    }

    [Theory(Timeout = 60_000)]
    [InlineData("mount -t tmpfs none {0} && touch {0}/a && mount -o remount,ro {0}", "remove path={0}/a", "read-only")]
    [InlineData("mount -t tmpfs none {0} && mount -o remount,ro {0}", "make-directory path={0}/a", "read-only")]
    [InlineData("mount -t tmpfs none {0} && touch {0}/a && mount -o remount,ro {0}", "rename path={0}/a to={0}/b", "read-only")]
    [InlineData("mount -t tmpfs -o nr_inodes=1 none {0}", "make-directory path={0}/a", "no-space")]
    [InlineData("mkdir {0}/a && mount -t tmpfs none {0}/a", "remove path={0}/a", "busy")]
    [InlineData("mkdir {0}/a && mount -t tmpfs none {0}/a", "rename path={0}/a to={0}/b", "busy")]
    public async Task Failures_of_the_file_system_have_their_kind(string script, string job, string kind)
    {
        ToolResult result = await Namespace.RunAsync(
            script.Replace("{0}", folder.Path, StringComparison.Ordinal),
            job.Replace("{0}", folder.Path, StringComparison.Ordinal).Split(' '));
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith($"error: {kind}: ", result.Error);
    }

    [Fact(Timeout = 30_000)]
    public async Task The_first_failure_ends_the_removal_and_says_what_was_removed()
    {
        Directory.CreateDirectory(folder["a/b"]);
        File.WriteAllText(folder["a/b/fixed"], "");
        await Tool.MustAsync("chattr", "+i", folder["a/b/fixed"]);
        try
        {
            JobException failure = Failures.Assert("permission-denied", Errno.EPERM, () => Delete("a", recursive: true));
            Assert.Contains($"{folder["a/b/fixed"]} cannot be removed (0 entries were removed before)", failure.Message);
        }
        finally
        {
            await Tool.MustAsync("chattr", "-i", folder["a/b/fixed"]);
        }
    }

    private RemoveResult Delete(string name, bool recursive = false) => Remove.Delete(new(folder[name], recursive), Failures.Context);
}
