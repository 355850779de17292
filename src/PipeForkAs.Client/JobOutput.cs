using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using PipeForkAs.Client.Exchanges;

namespace PipeForkAs.Client;

/// <summary>The complete output of a job, and how the job ended.</summary>
/// <param name="Stdout">The job's standard output.</param>
/// <param name="Stderr">The job's standard error.</param>
/// <param name="Result">How the job ended.</param>
public sealed record JobOutput(ReadOnlyMemory<byte> Stdout, ReadOnlyMemory<byte> Stderr, JobResult Result)
{
    /// <summary><see cref="Stdout"/> as text; bytes that are not UTF-8 become U+FFFD.</summary>
    public string StdoutText => Encoding.UTF8.GetString(Stdout.Span);

    /// <summary><see cref="Stderr"/> as text; bytes that are not UTF-8 become U+FFFD.</summary>
    public string StderrText => Encoding.UTF8.GetString(Stderr.Span);

    /// <summary>Returns this output if the job succeeded.</summary>
    /// <exception cref="JobFailedException">The job did not succeed; the exception contains the end of <see cref="Stderr"/>.</exception>
    public JobOutput EnsureSuccess() => Result.IsSuccess ? this : throw new JobFailedException(Result, OutputTail.Text(Stderr.Span));

    /// <summary>Reads <see cref="Stdout"/> as JSON, as a typed job writes it.</summary>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <param name="typeInfo">The result's JSON type information, from a <c>JsonSerializerContext</c> of your project.</param>
    /// <exception cref="JobOutputFormatException">The output is not JSON of this type, or is <c>null</c>.</exception>
    public T ReadJson<T>(JsonTypeInfo<T> typeInfo)
    {
        try
        {
            return JsonSerializer.Deserialize(Stdout.Span, typeInfo) ?? throw new JobOutputFormatException(Result.Job, typeof(T), null);
        }
        catch (JsonException failure)
        {
            throw new JobOutputFormatException(Result.Job, typeof(T), failure);
        }
    }
}
