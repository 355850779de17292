using System.Globalization;
using System.Text;
using PipeForkAs.Client;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Tests.Client;

/// <summary>Values of W3C Trace Context: those of its own examples, and those that break one of its rules.</summary>
public sealed class TraceContextTests
{
    private const string Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Theory]
    [InlineData(Parent)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")]
    [InlineData("00-00000000000000000000000000000001-0000000000000001-ff")]
    public void A_traceparent_is_passed_on_unchanged(string parent)
    {
        Request request = Parse($$"""{"job":"id","traceparent":"{{parent}}"}""");

        Assert.Equal((parent, null), (request.TraceParent, request.TraceState));
        Assert.Equal(parent.Split('-')[1], TraceContext.TraceId(parent));
        Assert.Equal(parent, Request.Parse(request.ToLine().AsSpan()[..^1]).TraceParent);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x")]
    [InlineData("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    [InlineData("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    [InlineData("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01")]
    [InlineData("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-B7AD6B7169203331-01")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0G")]
    [InlineData("00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01")]
    [InlineData(" 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319\\u0000-b7ad6b7169203331-01")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319\\n-b7ad6b7169203331-01")]
    public void A_traceparent_of_another_form_is_refused(string parent) =>
        Assert.Contains("\"traceparent\" must be", Refused($$"""{"job":"id","traceparent":"{{parent}}"}"""), StringComparison.Ordinal);

    [Theory]
    [InlineData("congo=t61rcWkgMzE")]
    [InlineData("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")]
    [InlineData("fw529a3039@dt=FfffffC , 0=1")]
    [InlineData("a=1,,b=2,")]
    [InlineData("")]
    [InlineData("a=b c !~")]
    public void A_tracestate_is_passed_on_unchanged(string state)
    {
        Request request = Parse($$"""{"job":"id","traceparent":"{{Parent}}","tracestate":"{{state}}"}""");

        Assert.Equal(state, request.TraceState);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("=1")]
    [InlineData("a=")]
    [InlineData("a=1=2")]
    [InlineData("a =1")]
    [InlineData("A=1")]
    [InlineData("_a=1")]
    [InlineData("a=1,a=2")]
    [InlineData("a=1;b=2,a=3")]
    [InlineData("a=\\u0007")]
    [InlineData("a=é")]
    [InlineData("a=1\\nb=2")]
    [InlineData("() { :;}; id")]
    public void A_tracestate_of_another_form_is_refused(string state) => Assert.Contains(
        "\"tracestate\" must be",
        Refused($$"""{"job":"id","traceparent":"{{Parent}}","tracestate":"{{state}}"}"""), StringComparison.Ordinal);

    [Fact]
    public void A_tracestate_has_at_most_32_members_and_512_characters()
    {
        Assert.True(TraceContext.IsState(Members(32)));
        Assert.False(TraceContext.IsState(Members(33)));
        Assert.False(TraceContext.IsState(new string(',', 32)));
        Assert.True(TraceContext.IsState("a=" + new string('x', 256) + ",b=" + new string('y', 251)));
        Assert.False(TraceContext.IsState("a=" + new string('x', 256) + ",b=" + new string('y', 252)));
        Assert.False(TraceContext.IsState("a=" + new string('x', 257)));
        Assert.True(TraceContext.IsState(new string('k', 256) + "=1"));
        Assert.False(TraceContext.IsState(new string('k', 257) + "=1"));
    }

    [Theory]
    [InlineData("""{"job":"id","tracestate":"a=1"}""", "needs \"traceparent\"")]
    [InlineData("""{"job":"id","traceparent":1}""", "\"traceparent\" must be a string")]
    [InlineData("""{"job":"id","traceparent":null}""", "\"traceparent\" is null")]
    [InlineData("""{"job":"id","traceparent":"PARENT","traceparent":"PARENT"}""", "is duplicate")]
    [InlineData("""{"job":"id","traceparent":"PARENT","env":{"TRACEPARENT":"x"}}""", "from \"env\"")]
    [InlineData("""{"job":"id","traceparent":"PARENT","env":{"TRACESTATE":"x"}}""", "from \"env\"")]
    public void A_request_has_one_trace_context(string json, string problem) =>
        Assert.Contains(problem, Refused(json.Replace("\"PARENT\"", $"\"{Parent}\"", StringComparison.Ordinal)), StringComparison.Ordinal);

    private static string Members(int count) =>
        string.Join(',', Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"k{i}=v")));

    private static Request Parse(string json) => Request.Parse(Encoding.UTF8.GetBytes(json));

    private static string Refused(string json) => Assert.ThrowsAny<RequestException>(() => Parse(json)).Message;
}
