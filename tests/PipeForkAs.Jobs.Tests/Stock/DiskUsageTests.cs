using System.Diagnostics;
using System.Globalization;
using PipeForkAs.StockJobs;

namespace PipeForkAs.Jobs.Tests.Stock;

public sealed class DiskUsageTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Files_directories_and_bytes_are_counted()
    {
        Directory.CreateDirectory(folder["a/b"]);
        File.WriteAllText(folder["a/one"], new string('x', 10_000));
        File.WriteAllText(folder["a/b/two"], "12345");
        DiskUsageResult usage = DiskUsage.Measure(new DiskUsageArguments(folder.Path));
        Assert.Equal((2, 3, 10_005, 0), (usage.Files, usage.Directories, usage.ApparentBytes, usage.Unreadable));
        Assert.Equal(folder.Path, usage.Path);
    }

    [Fact(Timeout = 10_000)]
    public async Task The_result_equals_that_of_du()
    {
        Directory.CreateDirectory(folder["a"]);
        for (int i = 0; i < 20; i++)
            await File.WriteAllBytesAsync(folder[$"a/{i}"], new byte[i * 1000]);
        using var du = Process.Start(new ProcessStartInfo("du", ["-s", "-B1", "--", folder.Path]) { RedirectStandardOutput = true })!;
        string output = await du.StandardOutput.ReadToEndAsync();
        await du.WaitForExitAsync();
        Assert.Equal(
            long.Parse(output.Split('\t')[0], CultureInfo.InvariantCulture), DiskUsage.Measure(new DiskUsageArguments(folder.Path)).Bytes);
    }

    [Fact]
    public void A_file_with_two_names_is_counted_once()
    {
        File.WriteAllText(folder["one"], new string('x', 10_000));
        using (Process link = Process.Start("ln", [folder["one"], folder["two"]]))
            link.WaitForExit();
        DiskUsageResult usage = DiskUsage.Measure(new DiskUsageArguments(folder.Path));
        Assert.Equal((1, 10_000), (usage.Files, usage.ApparentBytes));
    }

    [Fact]
    public void A_symbolic_link_is_counted_and_not_followed()
    {
        File.CreateSymbolicLink(folder["loop"], folder.Path);
        File.CreateSymbolicLink(folder["usr"], "/usr");
        DiskUsageResult usage = DiskUsage.Measure(new DiskUsageArguments(folder.Path));
        Assert.Equal((2, 1), (usage.Files, usage.Directories));
    }

    [Fact]
    public void A_single_file_is_measured()
    {
        File.WriteAllText(folder["one"], "12345");
        DiskUsageResult usage = DiskUsage.Measure(new DiskUsageArguments(folder["one"]));
        Assert.Equal((1, 0, 5), (usage.Files, usage.Directories, usage.ApparentBytes));
    }

    [Fact]
    public void Names_that_are_not_text_are_counted_like_others()
    {
        Shell("mkdir $'n\\xff' && head -c 50000 /dev/zero >$'n\\xff/g\\xfe' && head -c 7 /dev/zero >$'\\xc3'");
        try
        {
            DiskUsageResult usage = DiskUsage.Measure(new DiskUsageArguments(folder.Path));
            Assert.Equal((2, 2, 50_007, 0), (usage.Files, usage.Directories, usage.ApparentBytes, usage.Unreadable));
        }
        finally
        {
            Shell("rm -rf -- *");
        }
    }

    [Fact]
    public void A_tree_deeper_than_the_longest_path_does_not_hide_its_siblings()
    {
        Shell("name=$(printf '%0200d' 0); for i in {1..30}; do mkdir $name && cd -P $name; done");
        File.WriteAllText(folder["beside"], "12345");
        try
        {
            DiskUsageResult usage = DiskUsage.Measure(new DiskUsageArguments(folder.Path));
            Assert.Equal((1, 5, 1), (usage.Files, usage.ApparentBytes, usage.Unreadable));
            Assert.InRange(usage.Directories, 15, 25);
        }
        finally
        {
            Shell("rm -rf -- *");
        }
    }

    private void Shell(string script)
    {
        using Process shell = Process.Start(new ProcessStartInfo("bash", ["-c", script]) { WorkingDirectory = folder.Path })!;
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    [Fact]
    public void A_missing_path_is_an_error() =>
        Assert.Contains(
            folder["missing"], Assert.Throws<JobException>(() => DiskUsage.Measure(new DiskUsageArguments(folder["missing"]))).Message);
}
