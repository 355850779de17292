using System.Diagnostics;
using System.Formats.Tar;
using System.Net.Sockets;
using System.Text;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.StockJobs;
using SocketType = System.Net.Sockets.SocketType;

namespace PipeForkAs.Jobs.Tests.Stock;

public sealed class ArchiveDirectoryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Files_directories_and_links_are_archived_below_the_directory()
    {
        Directory.CreateDirectory(folder["a/b"]);
        File.WriteAllText(folder["a/file"], "content");
        File.WriteAllText(folder["a/-rf"], "");
        File.CreateSymbolicLink(folder["a/link"], "/etc/passwd");
        File.CreateSymbolicLink(folder["to-a"], "a");
        foreach (string name in new[] { "a", "a/b/..", "to-a" })
        {
            Dictionary<string, TarEntry> entries = Archived(folder[name]);
            Assert.Equal(["./", "./-rf", "./b/", "./file", "./link"], entries.Keys.Order(StringComparer.Ordinal));
            Assert.Equal((TarEntryType.SymbolicLink, "/etc/passwd"), (entries["./link"].EntryType, entries["./link"].LinkName));
            using var content = new StreamReader(entries["./file"].DataStream!);
            Assert.Equal("content", content.ReadToEnd());
        }
    }

    [Fact(Timeout = 30_000)]
    public async Task Names_and_targets_are_archived_byte_for_byte_and_extracted_again()
    {
        const string Script =
            "mkdir -p $'a/d\\xff/\\xc3' && echo one >$'a/d\\xff/-\\xfe\\n' && ln -s $'to\\xfd' $'a/l\\xfc' && mkfifo a/fifo"
            + " && touch \"a/$(printf '%0255d' 0)\" a/ö";
        await Tool.MustAsync("bash", "-c", $"cd {folder.Path} && {Script}");
        using var run = new TestRun();
        Assert.Equal(0, ArchiveDirectory.Write(new(folder["a"]), run.Context));
        Directory.CreateDirectory(folder["b"]);
        ToolResult extracted = await Tool.RunAsync(["tar", "--extract", "--directory", folder["b"]], run.OutputBytes);
        Assert.Equal((0, ""), (extracted.ExitCode, extracted.Error));
        const string List = "LC_ALL=C find . -printf '%y %P %l %s\\0' | LC_ALL=C sort -z";
        Assert.Equal(
            await Tool.MustAsync("bash", "-c", $"cd {folder["a"]} && {List} | base64"),
            await Tool.MustAsync("bash", "-c", $"cd {folder["b"]} && {List} | base64"));
        await Tool.MustAsync("rm", "-rf", "--", folder["a"], folder["b"]); // .NET cannot name what is in them.
    }

    [Fact]
    public void A_socket_is_left_out_and_standard_error_says_so()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(folder["socket"]));
        using var run = new TestRun();
        Assert.Equal(0, ArchiveDirectory.Write(new(folder.Path), run.Context));
        Assert.Equal("tar: ./socket: socket ignored\n", run.Error);
    }

    [Fact]
    public void What_is_not_a_directory_is_refused()
    {
        File.WriteAllText(folder["file"], "");
        using var run = new TestRun();
        Failures.Assert("not-a-directory", Errno.ENOTDIR, () => ArchiveDirectory.Write(new(folder["file"]), run.Context));
        Failures.Assert("not-found", Errno.ENOENT, () => ArchiveDirectory.Write(new(folder["missing"]), run.Context));
        Assert.Throws<JobArgumentsException>(() => ArchiveDirectory.Write(new(), run.Context));
        Assert.Empty(run.OutputBytes);
    }

    [Fact]
    public void A_file_that_changes_while_it_is_read_is_not_reported_as_archived()
    {
        // Larger than what the pipe holds, so that tar is still reading the file when the first bytes arrive here.
        File.WriteAllBytes(folder["file"], new byte[4_000_000]);
        bool isShort = false;
        using var output = new WatchedStream(() =>
        {
            if (!isShort)
                File.WriteAllText(folder["file"], "short");
            isShort = true;
        });
        var context = new JobContext(Failures.Context.User, default, Stream.Null, output, Stream.Null);
        JobException failure = Failures.Assert("changed", Errno.None, () => ArchiveDirectory.Write(new(folder.Path), context));
        Assert.Contains(folder.Path, failure.Message);
    }

    [Fact]
    public void Tar_does_not_outlive_a_job_whose_output_fails()
    {
        File.WriteAllBytes(folder["file"], new byte[4_000_000]);
        using var output = new WatchedStream(() => throw new IOException("the client is gone"));
        var context = new JobContext(Failures.Context.User, default, Stream.Null, output, Stream.Null);
        Assert.Throws<IOException>(() => ArchiveDirectory.Write(new(folder.Path), context));
        Assert.DoesNotContain(
            Process.GetProcessesByName("tar"), tar => Libc.stat($"/proc/{tar.Id}/cwd") is { } at && at.Inode == Inode(folder.Path));
    }

    [Fact(Timeout = 60_000)]
    public async Task Without_tar_the_message_says_what_is_missing()
    {
        ToolResult result = await Namespace.RunAsync(
            "mount --bind /dev/null /usr/bin/tar", ["archive-directory", $"path={folder.Path}"]);
        Assert.Equal((1, ""), (result.ExitCode, result.Text));
        Assert.StartsWith("error: no-program: /usr/bin/tar cannot be executed: EACCES", result.Error);
    }

    [Fact(Timeout = 60_000)]
    public async Task Options_for_tar_in_the_environment_have_no_effect()
    {
        File.WriteAllText(folder["file"], "content");
        ToolResult result = await Namespace.RunAsync(
            "export TAR_OPTIONS=--exclude=file", ["archive-directory", $"path={folder.Path}"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("content", Encoding.UTF8.GetString(result.Output));
    }

    private static ulong Inode(string path) => Libc.stat(path)!.Value.Inode;

    private static Dictionary<string, TarEntry> Archived(string path)
    {
        using var run = new TestRun();
        Assert.Equal((0, ""), (ArchiveDirectory.Write(new(path), run.Context), run.Error));
        using var reader = new TarReader(new MemoryStream(run.OutputBytes));
        Dictionary<string, TarEntry> entries = [];
        while (reader.GetNextEntry(copyData: true) is { } entry)
            entries.Add(entry.Name, entry);
        return entries;
    }

    /// <summary>A stream that does something before each write.</summary>
    private sealed class WatchedStream(Action check) : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count)
        {
            if (count > 0)
                check();
        }
    }
}
