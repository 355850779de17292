using PipeForkAs.Fuzz.Driver;

namespace PipeForkAs.Fuzz.Tests;

/// <summary>Tests that targets can fail.</summary>
public sealed class TargetTests
{
    [Fact]
    public void An_undocumented_exception_is_a_finding() =>
        Assert.Throws<InvalidOperationException>(() => new Planted(_ => throw new InvalidOperationException("planted")).Check([]));

    [Theory]
    [InlineData("")]
    [InlineData("two\nlines")]
    [InlineData("an escape \u001b[2J")]
    [InlineData("a separator \u2028")]
    public void A_reason_that_is_not_one_line_is_a_finding(string reason) =>
        Assert.Throws<FindingException>(() => new Planted(_ => Trial.IsReason(reason)).Check([]));

    [Fact]
    public void An_input_that_repeatedly_needs_too_much_memory_is_a_finding()
    {
        var planted = new Planted(trial => trial.Measured(() => new byte[1_000_000]));
        FindingException finding = Assert.Throws<FindingException>(() => planted.Check(new byte[10]));
        Assert.Contains("10 bytes cost 10000", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_time_allocations_do_not_count_for_an_input()
    {
        byte[]? once = null;
        Assert.False(new Planted(trial => trial.Measured(() => once ??= new byte[1_000_000])).Check([]));
    }

    [Fact]
    public void A_finding_is_reported_with_its_input()
    {
        string report = Report.Of(new Planted(_ => { }), [1, .. "{\\}"u8], new FindingException("planted"));
        Assert.Contains("planted", report, StringComparison.Ordinal);
        Assert.Contains(@"input: 4 bytes: \x01{\x5c}", report, StringComparison.Ordinal);
        Assert.EndsWith("--replay planted AXtcfQ==", report, StringComparison.Ordinal);
    }

    [Fact]
    public void Choices_past_the_end_of_the_input_are_the_first_ones()
    {
        var choices = new Choices([7, 200]);
        Assert.Equal([1, 2, 0, 0], Enumerable.Range(0, 4).Select(_ => choices.Below(3)));
        Assert.True(choices.AtEnd);
        Assert.Equal("", choices.Text());
        Assert.Equal("ab", new Choices([9, .. "ab"u8]).Text());
    }

    private sealed class Planted(Action<Trial> action) : Target
    {
        public override string Name => "planted";

        public override void Try(Trial trial) => action(trial);
    }
}
