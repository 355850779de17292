using System.Diagnostics;
using System.Text;
using PipeForkAs.LibC;
using PipeForkAs.StockJobs;

namespace PipeForkAs.Jobs.Tests.Stock;

public sealed class FileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Read_file_writes_the_file_to_the_output()
    {
        File.WriteAllText(folder["file"], new string('x', 300_000));
        using var run = new TestRun();
        Assert.Equal(0, ReadFile.Read(new ReadFileArguments(folder["file"]), run.Context));
        Assert.Equal(new string('x', 300_000), run.Output);
    }

    [Fact]
    public void Read_file_reads_a_file_that_another_program_is_writing()
    {
        using var writer = new FileStream(folder["file"], FileMode.Create, FileAccess.Write, FileShare.Read);
        using var run = new TestRun();
        Assert.Equal(0, ReadFile.Read(new ReadFileArguments(folder["file"]), run.Context));
    }

    [Fact]
    public void Read_file_reads_a_file_that_another_program_has_locked()
    {
        File.WriteAllText(folder["file"], "content");
        using FileDescriptor locked = Libc.open(folder["file"], OpenFlags.O_RDONLY);
        Assert.True(Libc.flock_exclusive(locked));
        using var run = new TestRun();
        Assert.Equal(0, ReadFile.Read(new ReadFileArguments(folder["file"]), run.Context));
        Assert.Equal("content", run.Output);
    }

    [Fact]
    public async Task Paths_with_links_and_dots_are_resolved_by_the_kernel()
    {
        Directory.CreateDirectory(folder["a/b"]);
        File.CreateSymbolicLink(folder["link"], "a/b");
        File.WriteAllText(folder["file"], "by its text");
        File.WriteAllText(folder["a/file"], "the kernel's");
        using var run = new TestRun();
        ReadFile.Read(new ReadFileArguments(folder["link"] + "/../file"), run.Context);
        Assert.Equal("the kernel's", run.Output);
        await WriteAsync(new WriteFileArguments(folder["link"] + "/../file"), "new");
        Assert.Equal(("by its text", "new"), (File.ReadAllText(folder["file"]), File.ReadAllText(folder["a/file"])));
    }

    [Fact]
    public void Read_file_refuses_a_directory()
    {
        using var run = new TestRun();
        Failed("is-a-directory", Errno.EISDIR,
            Assert.Throws<JobException>(() => ReadFile.Read(new ReadFileArguments(folder.Path), run.Context)));
    }

    [Fact(Timeout = 10_000)]
    public async Task Read_file_refuses_a_pipe_instead_of_waiting()
    {
        using (Process mkfifo = Process.Start("mkfifo", [folder["pipe"]]))
            await mkfifo.WaitForExitAsync();
        using var run = new TestRun();
        Failed("not-a-regular-file", Errno.None,
            Assert.Throws<JobException>(() => ReadFile.Read(new ReadFileArguments(folder["pipe"]), run.Context)));
    }

    [Fact]
    public void Read_file_names_a_missing_file()
    {
        using var run = new TestRun();
        JobException refusal = Assert.Throws<JobException>(() => ReadFile.Read(new ReadFileArguments(folder["missing"]), run.Context));
        Failed("not-found", Errno.ENOENT, refusal);
        Assert.Contains(folder["missing"], refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_below_a_file_is_reported_as_not_in_a_directory()
    {
        File.WriteAllText(folder["file"], "");
        using var run = new TestRun();
        Failed("not-a-directory", Errno.ENOTDIR,
            Assert.Throws<JobException>(() => ReadFile.Read(new ReadFileArguments(folder["file/x"]), run.Context)));
    }

    [Fact]
    public async Task A_file_with_a_name_that_is_not_text_is_written_read_and_listed_by_its_bytes()
    {
        byte[] path = [.. Encoding.UTF8.GetBytes(folder.Path), (byte)'/', (byte)'c', 0xE9];
        string handle = Convert.ToBase64String(path);
        Assert.Equal(0, await WriteAsync(new WriteFileArguments(PathBytes: handle), "content"));

        DirectoryEntry entry = Assert.Single(ListDirectory.List(new ListDirectoryArguments(folder.Path)).Entries);
        Assert.Equal(
            ("c\uFFFD", "regular", 7L, Convert.ToBase64String([(byte)'c', 0xE9]), handle),
            (entry.Name, entry.Kind, entry.Size, entry.NameBytes, entry.PathBytes));

        using var run = new TestRun();
        Assert.Equal(0, ReadFile.Read(new ReadFileArguments(PathBytes: entry.PathBytes), run.Context));
        Assert.Equal("content", run.Output);
        Assert.Equal(7, DiskUsage.Measure(new DiskUsageArguments(PathBytes: handle)).ApparentBytes);
        Assert.Equal(0, await WriteAsync(new WriteFileArguments(PathBytes: handle), "other"));
        Assert.Single(ListDirectory.List(new ListDirectoryArguments(folder.Path)).Entries);
        Assert.Equal(Errno.None, Libc.unlink(path)); // .NET cannot name it.
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("/x", "L3g=")]
    [InlineData(null, "L3h=")]
    [InlineData(null, "L3g")]
    [InlineData(null, "L3 g=")]
    [InlineData(null, "eAB5")]
    [InlineData(null, "")]
    [InlineData("", null)]
    public void A_path_is_given_as_text_or_as_base64(string? path, string? bytes)
    {
        using var run = new TestRun();
        Assert.Throws<JobArgumentsException>(() => ReadFile.Read(new ReadFileArguments(path, bytes), run.Context));
    }

    [Fact]
    public async Task Write_file_creates_a_file_from_the_input()
    {
        Assert.Equal(0, await WriteAsync(new WriteFileArguments(folder["new"]), "content"));
        Assert.Equal("content", File.ReadAllText(folder["new"]));
        Assert.Equal(["new"], folder.Names);
    }

    [Fact]
    public async Task Write_file_sets_the_mode_independent_of_the_umask()
    {
        await WriteAsync(new WriteFileArguments(folder["new"], Mode: "666"), "content");
        Assert.Equal((UnixFileMode)0x1B6, File.GetUnixFileMode(folder["new"]));
    }

    [Fact]
    public async Task Write_file_keeps_the_mode_of_what_it_replaces()
    {
        File.WriteAllText(folder["old"], "old");
        File.SetUnixFileMode(folder["old"], (UnixFileMode)0x1A0);
        await WriteAsync(new WriteFileArguments(folder["old"]), "new");
        Assert.Equal("new", File.ReadAllText(folder["old"]));
        Assert.Equal((UnixFileMode)0x1A0, File.GetUnixFileMode(folder["old"]));
    }

    [Fact]
    public async Task Write_file_keeps_the_group_of_what_it_replaces()
    {
        File.WriteAllText(folder["old"], "old");
        using (FileDescriptor old = Libc.open(folder["old"], OpenFlags.O_RDONLY))
            Assert.True(Libc.fchown(old, new GroupId(54321)));
        File.SetUnixFileMode(folder["old"], (UnixFileMode)0x1B0);
        await WriteAsync(new WriteFileArguments(folder["old"]), "new");
        FileStatus status = Libc.lstat(folder["old"])!.Value;
        Assert.Equal((54321u, 0x1B0u, "new"), (status.Group.Value, status.Permissions, File.ReadAllText(folder["old"])));
    }

    [Fact]
    public async Task Write_file_requires_the_name_of_a_file() =>
        Assert.Contains(
            "is not the name of a file",
            (await Assert.ThrowsAsync<JobArgumentsException>(() => WriteAsync(new WriteFileArguments(folder["missing/"]), ""))).Message);

    [Fact]
    public async Task Write_file_replaces_a_symbolic_link_and_not_its_target()
    {
        File.WriteAllText(folder["target"], "old");
        File.CreateSymbolicLink(folder["link"], "target");
        await WriteAsync(new WriteFileArguments(folder["link"]), "new");
        Assert.Equal("old", File.ReadAllText(folder["target"]));
        Assert.Equal("new", File.ReadAllText(folder["link"]));
        Assert.Null(new FileInfo(folder["link"]).LinkTarget);
    }

    [Fact]
    public async Task Readers_see_the_old_file_until_the_new_one_is_complete()
    {
        File.WriteAllText(folder["file"], "old");
        using var input = new CheckedStream(() => Assert.Equal("old", File.ReadAllText(folder["file"])));
        using var run = new TestRun(inputStream: input);
        await WriteFile.WriteAsync(new WriteFileArguments(folder["file"]), run.Context);
        Assert.Equal("", File.ReadAllText(folder["file"]));
    }

    [Fact]
    public async Task Write_file_leaves_nothing_behind_when_the_input_fails()
    {
        File.WriteAllText(folder["file"], "old");
        using var input = new CheckedStream(() => throw new IOException("the client is gone"));
        using var run = new TestRun(inputStream: input);
        await Assert.ThrowsAsync<IOException>(() => WriteFile.WriteAsync(new WriteFileArguments(folder["file"]), run.Context));
        Assert.Equal("old", File.ReadAllText(folder["file"]));
        Assert.Equal(["file"], folder.Names);
    }

    [Fact]
    public async Task Write_file_refuses_fewer_bytes_than_were_announced()
    {
        File.WriteAllText(folder["file"], "old");
        Failed("incomplete", Errno.None,
            await Assert.ThrowsAsync<JobException>(() => WriteAsync(new WriteFileArguments(folder["file"], Size: 8), "content")));
        Assert.Equal("old", File.ReadAllText(folder["file"]));
        Assert.Equal(["file"], folder.Names);
        Assert.Equal(0, await WriteAsync(new WriteFileArguments(folder["file"], Size: 7), "content"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("8")]
    [InlineData("1777")]
    [InlineData("-1")]
    [InlineData("rw")]
    [InlineData("00644")]
    public async Task Write_file_refuses_an_invalid_mode(string mode)
    {
        await Assert.ThrowsAsync<JobArgumentsException>(() => WriteAsync(new WriteFileArguments(folder["new"], mode), "content"));
        Assert.Empty(folder.Names);
    }

    [Fact]
    public async Task Write_file_refuses_a_directory()
    {
        Directory.CreateDirectory(folder["directory"]);
        Failed("is-a-directory", Errno.EISDIR,
            await Assert.ThrowsAsync<JobException>(() => WriteAsync(new WriteFileArguments(folder["directory"]), "")));
        Assert.Equal(["directory"], folder.Names);
    }

    [Fact]
    public async Task Write_file_names_a_missing_folder() =>
        Failed("not-found", Errno.ENOENT,
            await Assert.ThrowsAsync<JobException>(() => WriteAsync(new WriteFileArguments(folder["missing/file"]), "")));

    [Fact]
    public async Task A_full_device_is_reported_with_its_error_kind()
    {
        using var input = new CheckedStream(() => throw new IOException("no room", 28));
        using var run = new TestRun(inputStream: input);
        JobException failure = await Assert.ThrowsAsync<JobException>(
            () => WriteFile.WriteAsync(new WriteFileArguments(folder["file"]), run.Context));
        Assert.Equal(("no-space", 28), (failure.Kind, failure.Errno));
        Assert.Empty(folder.Names);
    }

    private static void Failed(string kind, Errno errno, JobException failure) =>
        Assert.Equal((kind, errno == Errno.None ? null : (int?)errno.Value), (failure.Kind, failure.Errno));

    private static async Task<int> WriteAsync(WriteFileArguments arguments, string content)
    {
        using var run = new TestRun(input: content);
        return await WriteFile.WriteAsync(arguments, run.Context);
    }

    /// <summary>An empty stream that does something when it is read.</summary>
    private sealed class CheckedStream(Action check) : MemoryStream
    {
        public override int Read(byte[] buffer, int offset, int count)
        {
            check();
            return 0;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            check();
            return ValueTask.FromResult(0);
        }

        public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
        {
            check();
            return Task.CompletedTask;
        }
    }
}
