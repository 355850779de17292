using System.Text;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.StockJobs;

namespace PipeForkAs.Jobs.Tests.Stock;

public sealed class StatTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_has_the_attributes_of_an_entry_and_group_and_links()
    {
        File.WriteAllText(folder["file"], "12345");
        File.SetUnixFileMode(folder["file"], (UnixFileMode)0x1A0);
        File.SetLastWriteTimeUtc(folder["file"], new DateTime(2024, 2, 29, 1, 2, 3, DateTimeKind.Utc));
        Assert.Equal(Errno.None, Libc.link(Encoding.UTF8.GetBytes(folder["file"]), Encoding.UTF8.GetBytes(folder["other"])));
        using (FileDescriptor file = Libc.open(folder["file"], OpenFlags.O_RDONLY))
            Assert.True(Libc.fchown(file, new GroupId(54321)));

        string owner = Libc.getpwuid(Libc.geteuid())!.Name;
        Assert.Equal(
            new StatResult(
                folder["file"], "file", "regular", 5, "0640", owner, "54321", 2, new DateTime(2024, 2, 29, 1, 2, 3, DateTimeKind.Utc)),
            Stat.Inspect(new(folder["file"])));
    }

    [Fact]
    public void A_link_is_shown_itself_unless_it_is_to_be_followed()
    {
        File.WriteAllText(folder["file"], "12345");
        File.CreateSymbolicLink(folder["link"], "file");
        File.CreateSymbolicLink(folder["dangling"], "nowhere");
        StatResult link = Stat.Inspect(new(folder["link"])), file = Stat.Inspect(new(folder["link"], FollowLink: true));
        Assert.Equal(("symbolic-link", "file", null), (link.Kind, link.Target, link.TargetBytes));
        Assert.Equal(("regular", null, 5, "link"), (file.Kind, file.Target, file.Size, file.Name));
        Assert.Equal("nowhere", Stat.Inspect(new(folder["dangling"])).Target);
        Failures.Assert("not-found", Errno.ENOENT, () => Stat.Inspect(new(folder["dangling"], FollowLink: true)));
    }

    [Fact(Timeout = 30_000)]
    public async Task A_name_and_a_target_that_are_not_text_are_given_as_bytes_too()
    {
        byte[] link = [.. Encoding.UTF8.GetBytes(folder["link"]), 0xFE];
        await Tool.MustAsync("bash", "-c", $"ln -s $'t\\xff' {folder.Path}/$'link\\xfe'");
        StatResult shown = Stat.Inspect(new(PathBytes: Convert.ToBase64String(link)));
        Assert.Equal(
            ("t\uFFFD", "link\uFFFD", Convert.ToBase64String([(byte)'t', 0xFF]), Convert.ToBase64String(link)),
            (shown.Target, shown.Name, shown.TargetBytes, shown.PathBytes));
        Assert.Equal(Convert.ToBase64String([.. "link"u8, 0xFE]), shown.NameBytes);
        Assert.Equal(Errno.None, Libc.unlink(link)); // .NET cannot name it.
    }

    [Theory]
    [InlineData("/", "/", "directory")]
    [InlineData("/dev/null", "null", "character-device")]
    [InlineData("/dev/", "dev", "directory")]
    public void The_last_name_of_the_path_is_the_name(string path, string name, string kind)
    {
        StatResult shown = Stat.Inspect(new(path));
        Assert.Equal((name, kind), (shown.Name, shown.Kind));
    }
}
