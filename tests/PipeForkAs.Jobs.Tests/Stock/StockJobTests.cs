using System.Security.Cryptography;
using PipeForkAs.LibC;
using PipeForkAs.StockJobs;

namespace PipeForkAs.Jobs.Tests.Stock;

public class StockJobTests
{
    [Fact]
    public void Id_shows_the_ids_of_the_process_as_id_does()
    {
        using var run = new TestRun();
        string text = Id.Describe(run.Context);
        Assert.StartsWith($"uid={Libc.getresuid().Real}(alice) gid={Libc.getresgid().Real}", text);
        Assert.Matches(@"^uid=\d+\(\S+\) gid=\d+(\(\S+\))? groups=\d+(\(\S+\))?(,\d+(\(\S+\))?)*\n$", text);
    }

    [Fact]
    public void Echo_returns_the_text() => Assert.Equal("hello ä\n", Echo.Say(new EchoArguments("hello ä")));

    [Fact]
    public void Cat_copies_every_byte()
    {
        byte[] content = RandomNumberGenerator.GetBytes(1_000_003);
        using var run = new TestRun(inputStream: new MemoryStream(content));
        Assert.Equal(0, Cat.Copy(run.Context));
        Assert.Equal(content, run.OutputBytes);
    }

    [Fact]
    public void Environment_lists_a_line_for_each_variable_in_order()
    {
        string[] lines = EnvironmentVariables.List().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains($"PATH={Environment.GetEnvironmentVariable("PATH")}", lines);
        Assert.Equal(lines.Order(StringComparer.Ordinal), lines);
    }
}
