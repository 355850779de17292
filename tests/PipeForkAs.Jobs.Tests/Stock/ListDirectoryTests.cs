using PipeForkAs.LibC;
using PipeForkAs.StockJobs;

namespace PipeForkAs.Jobs.Tests.Stock;

public sealed class ListDirectoryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Entries_have_name_kind_size_mode_owner_and_time_in_order_of_names()
    {
        File.WriteAllText(folder["b.txt"], "12345");
        File.SetUnixFileMode(folder["b.txt"], (UnixFileMode)0x1A0);
        File.SetLastWriteTimeUtc(folder["b.txt"], new DateTime(2024, 2, 29, 1, 2, 3, DateTimeKind.Utc));
        Directory.CreateDirectory(folder["a"]);
        File.CreateSymbolicLink(folder["C"], "nowhere");

        DirectoryListing listing = ListDirectory.List(new ListDirectoryArguments(folder.Path));

        Assert.Equal(folder.Path, listing.Path);
        Assert.Equal(["C", "a", "b.txt"], listing.Entries.Select(entry => entry.Name));
        Assert.Equal(["symbolic-link", "directory", "regular"], listing.Entries.Select(entry => entry.Kind));
        string owner = Libc.getpwuid(Libc.geteuid())!.Name;
        Assert.Equal(
            new DirectoryEntry("b.txt", "regular", 5, "0640", owner, new DateTime(2024, 2, 29, 1, 2, 3, DateTimeKind.Utc)),
            listing.Entries[2]);
    }

    [Fact]
    public void Hidden_files_are_listed()
    {
        File.WriteAllText(folder[".hidden"], "");
        Assert.Equal([".hidden"], ListDirectory.List(new ListDirectoryArguments(folder.Path)).Entries.Select(entry => entry.Name));
    }

    [Fact]
    public void A_link_to_a_directory_leads_there()
    {
        File.WriteAllText(folder["file"], "");
        File.CreateSymbolicLink(folder["link"], ".");
        Assert.Equal(["file", "link"], ListDirectory.List(new ListDirectoryArguments(folder["link"])).Entries.Select(entry => entry.Name));
    }

    [Fact]
    public void An_empty_directory_has_no_entries() => Assert.Empty(ListDirectory.List(new ListDirectoryArguments(folder.Path)).Entries);

    [Fact]
    public void A_missing_directory_is_an_error_with_its_path() =>
        Assert.Contains(
            folder["missing"],
            Assert.Throws<JobException>(() => ListDirectory.List(new ListDirectoryArguments(folder["missing"]))).Message);

    [Fact]
    public void A_file_is_not_listed_as_a_directory()
    {
        File.WriteAllText(folder["file"], "");
        Assert.Equal(
            "not-a-directory", Assert.Throws<JobException>(() => ListDirectory.List(new ListDirectoryArguments(folder["file"]))).Kind);
    }
}
