using System.Text;
using PipeForkAs.LibC;
using PipeForkAs.StockJobs;

namespace PipeForkAs.Jobs.Tests.Stock;

public sealed class MakeDirectoryTests : IDisposable
{
    private const UnixFileMode EveryoneAll = (UnixFileMode)0x1FF;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_directory_is_created_and_its_absolute_path_returned()
    {
        Assert.Equal(new PathResult(folder["new"]), MakeDirectory.Make(new(folder["new"])));
        Assert.True(Directory.Exists(folder["new"]));
        Assert.Equal(new PathResult(folder["other/"]), MakeDirectory.Make(new(folder["other/"])));
    }

    [Fact]
    public void What_exists_is_not_a_new_directory()
    {
        File.WriteAllText(folder["file"], "");
        Failures.Assert("exists", Errno.EEXIST, () => MakeDirectory.Make(new(folder.Path)));
        Failures.Assert("exists", Errno.EEXIST, () => MakeDirectory.Make(new(folder["file"])));
    }

    [Fact]
    public void Missing_parents_are_created_only_if_that_is_asked_for()
    {
        Failures.Assert("not-found", Errno.ENOENT, () => MakeDirectory.Make(new(folder["a/b/c"])));
        Assert.Empty(folder.Names);
        Assert.Equal(folder["a/b/c"], MakeDirectory.Make(new(folder["a//b/./c"], Parents: true)).Path);
        Assert.Equal(folder["a/b/d"], MakeDirectory.Make(new(folder["a/b/c/../d/"], Parents: true)).Path.TrimEnd('/'));
        Assert.True(Directory.Exists(folder["a/b/c"]) && Directory.Exists(folder["a/b/d"]));
        MakeDirectory.Make(new(folder["a/b/c"], Parents: true)); // It may exist.
    }

    [Fact]
    public void A_parent_may_be_a_link_to_a_directory_but_not_a_file()
    {
        Directory.CreateDirectory(folder["real"]);
        File.CreateSymbolicLink(folder["link"], "real");
        File.CreateSymbolicLink(folder["dangling"], "nowhere");
        File.WriteAllText(folder["file"], "");
        MakeDirectory.Make(new(folder["link/new"], Parents: true));
        Assert.True(Directory.Exists(folder["real/new"]));
        Failures.Assert("exists", Errno.EEXIST, () => MakeDirectory.Make(new(folder["file/new"], Parents: true)));
        Failures.Assert("exists", Errno.EEXIST, () => MakeDirectory.Make(new(folder["file"], Parents: true)));
        Failures.Assert("not-found", Errno.ENOENT, () => MakeDirectory.Make(new(folder["dangling/new"], Parents: true)));
        Assert.False(Directory.Exists(folder["nowhere"]));
    }

    [Fact]
    public void The_mode_is_that_of_the_last_directory_whatever_the_umask_is()
    {
        MakeDirectory.Make(new(folder["a/b"], Parents: true, Mode: "777"));
        MakeDirectory.Make(new(folder["c"], Mode: "070"));
        Assert.Equal(
            (EveryoneAll & ~(UnixFileMode)Umask(), EveryoneAll, (UnixFileMode)0x38),
            (File.GetUnixFileMode(folder["a"]), File.GetUnixFileMode(folder["a/b"]), File.GetUnixFileMode(folder["c"])));
        Assert.Throws<JobArgumentsException>(() => MakeDirectory.Make(new(folder["d"], Mode: "1777")));
        MakeDirectory.Make(new(folder["a/b"], Parents: true, Mode: "700"));
        Assert.Equal(EveryoneAll, File.GetUnixFileMode(folder["a/b"])); // What exists keeps its permissions.
    }

    [Fact]
    public void A_folder_that_passes_on_its_group_does_so_whatever_the_mode_is()
    {
        const UnixFileMode Inherits = UnixFileMode.SetGroup | (UnixFileMode)0x1ED; // 2755
        File.SetUnixFileMode(folder.Path, Inherits);
        MakeDirectory.Make(new(folder["new"], Mode: "755"));
        Assert.Equal(Inherits, File.GetUnixFileMode(folder["new"]));
    }

    [Fact]
    public void A_name_may_be_other_than_text_and_a_path_longer_than_the_kernels_longest()
    {
        byte[] odd = [.. Encoding.UTF8.GetBytes(folder.Path), (byte)'/', 0xFF, (byte)'\n'];
        string handle = Convert.ToBase64String(odd);
        PathResult made = MakeDirectory.Make(new(PathBytes: handle, Parents: true));
        Assert.Equal(handle, made.PathBytes);
        Assert.Equal(FileKind.Directory, Libc.lstat(odd, out _)!.Value.Kind);
        Assert.Equal(Errno.None, Libc.unlinkat(null, odd, isDirectory: true)); // .NET cannot name it.

        string deep = string.Join('/', Enumerable.Repeat(new string('d', 200), 30));
        Failures.Assert("name-too-long", new Errno(36), () => MakeDirectory.Make(new(folder[deep])));
        MakeDirectory.Make(new(folder[deep], Parents: true));
        Remove.Delete(new(folder[deep[..200]], Recursive: true), Failures.Context);
        Assert.Empty(folder.Names);
    }

    private static uint Umask() => Convert.ToUInt32(
        File.ReadLines("/proc/self/status").Single(line => line.StartsWith("Umask:", StringComparison.Ordinal))[6..].Trim(), 8);
}
