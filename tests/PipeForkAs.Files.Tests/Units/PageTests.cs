using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using PipeForkAs.Files.Endpoints;
using PipeForkAs.Files.Html;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Pages;
using PipeForkAs.Files.Paths;
using PipeForkAs.Files.Settings;

namespace PipeForkAs.Files.Tests.Units;

public sealed class PageTests
{
    [Fact]
    public void Inserted_text_is_never_markup()
    {
        string text = "<script>\"'&";
        Assert.Equal(
            "<p title=\"&lt;script&gt;&quot;&#x27;&amp;\">&lt;script&gt;&quot;&#x27;&amp;</p>7 1,234",
            new HtmlWriter().Add($"""<p title="{text}">{text}</p>{7} {1234L:N0}""").ToString());
    }

    [Theory]
    [InlineData(0L, "0 B")]
    [InlineData(1023L, "1023 B")]
    [InlineData(1024L, "1.0 KiB")]
    [InlineData(1L << 30, "1.0 GiB")]
    [InlineData(long.MaxValue, "8.0 EiB")]
    [InlineData(null, "")]
    public void A_size_has_a_unit(long? bytes, string words) => Assert.Equal(words, Amounts.Size(bytes));

    [Fact]
    public void Only_images_without_scripts_are_images()
    {
        Assert.Equal("image/png", Preview.ImageType([0x89, .. "PNG\r\n"u8, 0x1A, 10, 0]));
        Assert.Equal("image/jpeg", Preview.ImageType([0xFF, 0xD8, 0xFF, 0xE0]));
        Assert.Equal("image/gif", Preview.ImageType("GIF89a"u8));
        Assert.Equal("image/webp", Preview.ImageType("RIFF1234WEBP"u8));
        Assert.Equal("image/avif", Preview.ImageType("1234ftypavif"u8));
        Assert.Null(Preview.ImageType("<svg xmlns="u8));
        Assert.Null(Preview.ImageType("<html>"u8));
        Assert.Null(Preview.ImageType("%PDF-1.7"u8));
        Assert.Null(Preview.ImageType([]));
    }

    [Theory]
    [InlineData("aä", 2, "a")]
    [InlineData("a€", 2, "a")]
    [InlineData("a€", 3, "a")]
    [InlineData("a€", 4, "a€")]
    [InlineData("😀", 3, "")]
    public void A_text_that_is_cut_within_a_character_is_still_text(string text, int bytes, string shown) =>
        Assert.Equal(shown, Preview.Of(System.Text.Encoding.UTF8.GetBytes(text).AsSpan(0, bytes), isWhole: false).Text);

    [Fact]
    public void Bytes_that_are_not_text_are_not_shown()
    {
        Assert.Null(Preview.Of([1, 0, 2], isWhole: true).Text);
        Assert.Null(Preview.Of([0xFF, 0xFE], isWhole: true).Text);
        Assert.Equal("", Preview.Of([], isWhole: true).Text);
    }

    [Theory]
    [InlineData("plain.txt", "plain.txt")]
    [InlineData("a\"b\r\nX: y", "a_b__X: y")]
    [InlineData("..\\..\\x/y", ".._.._x_y")]
    [InlineData("gpj\u202eexe", "gpj_exe")]
    public void The_name_of_a_download_cannot_end_its_header_or_change_its_look(string name, string harmless) =>
        Assert.Equal(harmless, Responses.Harmless(name));

    [Theory]
    [InlineData("/", "/")]
    [InlineData("/files/L2E/?sort=size", "/files/L2E/?sort=size")]
    [InlineData("//evil.example", "/")]
    [InlineData("/\\evil.example", "/")]
    [InlineData("https://evil.example", "/")]
    [InlineData("/a\r\nb", "/")]
    [InlineData("", "/")]
    public void Sign_in_leads_to_paths_of_this_site_alone(string next, string path) => Assert.Equal(path, SignInEndpoints.OwnPath(next));

    [Theory]
    [InlineData(null, 0L, 100L, false)]
    [InlineData("bytes=0-9", 0L, 10L, true)]
    [InlineData("bytes=90-200", 90L, 10L, true)]
    [InlineData("bytes=-10", 90L, 10L, true)]
    [InlineData("bytes=-1000", 0L, 100L, true)]
    [InlineData("bytes=100-", 0L, -1L, true)]
    [InlineData("bytes=-0", 0L, -1L, true)]
    [InlineData("bytes=0-1,3-4", 0L, 100L, false)]
    public void A_range_selects_a_part(string? range, long offset, long length, bool isPart)
    {
        var http = new DefaultHttpContext();
        if (range is not null)
            http.Request.Headers.Range = range;
        Assert.Equal((offset, length, isPart), DownloadEndpoints.Part(http.Request, 100, new EntityTagHeaderValue("\"1\"")));
    }

    [Theory]
    [InlineData("permission-denied", 403, "Permission denied: /srv/private, as alice")]
    [InlineData("no-space", 507, "No space is left on the disk: /srv/private, as alice")]
    [InlineData("other", 500, "It failed (told): /srv/private, as alice")]
    public void A_failure_becomes_words_and_a_status(string kind, int status, string words)
    {
        Assert.True(BytePath.TryOfText("/srv/private", out BytePath? path));
        var result = new JobResult { Code = ReplyCode.Error, Error = new JobError(kind, "told") };
        FileProblem problem = FileProblem.Of(result, path, new Account("alice", "ticket"));
        Assert.Equal((status, words), (problem.Status, problem.Message));
    }

    [Theory]
    [InlineData("""{ "Listen": "0.0.0.0:80" }""", "not a loopback address")]
    [InlineData("""{ "Listen": "files.example:80" }""", "not a loopback address")]
    [InlineData("""{ "IdleMinutes": 0 }""", "IdleMinutes is 0")]
    [InlineData("""{ "Idle": 1 }""", "Idle")]
    [InlineData("""{ "Proxy": { "Header": "X-User" } }""", "User")]
    [InlineData("""{ "Proxy": { "User": "www-data", "Header": "a b" } }""", "the name of a header")]
    [InlineData("""[]""", "not valid")]
    public void A_wrong_configuration_is_rejected(string json, string words) => Assert.Contains(
        words, Assert.Throws<OptionsException>(() => FilesOptions.Parse(System.Text.Encoding.UTF8.GetBytes(json))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Each_key_has_a_default()
    {
        var options = FilesOptions.Parse("{}"u8);
        Assert.Equal(new FilesOptions(), options);
        Assert.Equal((30, 8123), (options.IdleMinutes, options.Address.Port));
    }
}
