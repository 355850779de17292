using System.Text.Json;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>Checks a job that a job host offers.</summary>
internal static class OfferedJob
{
    /// <summary>Returns the description of the job.</summary>
    /// <exception cref="JobHostException">A part of the offer is never allowed.</exception>
    /// <exception cref="JsonException">The schema is not JSON.</exception>
    public static JobDescription Describe(JobOffer offer)
    {
        if (!JobName.IsValid(offer.Name))
            throw new JobHostException($"a job's name must be {JobName.Rule}");
        if (offer.Environment.FirstOrDefault(name => !EnvironmentVariable.MayBeAllowed(name)) is { } variable)
            throw new JobHostException($"the job {offer.Name} lets clients set the variable \"{variable}\", which is never allowed");
        if (offer.UnsafeEnvironment.FirstOrDefault(name => !EnvironmentVariable.SteersPrograms(name)) is { } forbidden)
            throw new JobHostException(EnvironmentVariable.MayBeAllowed(forbidden)
                ? $"the job {offer.Name} allows the variable \"{forbidden}\" as unsafe, but it is not known to change which code runs"
                : $"the job {offer.Name} lets clients set the variable \"{forbidden}\", which is never allowed");
        if (offer.Sandboxes.SelectMany(sandbox => sandbox.ReadOnly.Concat(sandbox.ReadWrite)).FirstOrDefault(
            path => Sandbox.PathProblem(path) is not null) is { } path)
            throw new JobHostException($"the sandbox of the job {offer.Name} has the path \"{path}\", which {Sandbox.PathProblem(path)}");

        JsonElement? schema = null;
        if (offer.ArgumentsSchema.Length > 0)
        {
            using JsonDocument document = JsonDocument.Parse(offer.ArgumentsSchema);
            schema = document.RootElement.Clone();
        }

        return new JobDescription
        {
            Name = offer.Name,
            Kind = offer.Kind,
            Description = offer.Description,
            Arguments = schema,
            Environment = offer.Environment,
            UnsafeEnvironment = offer.UnsafeEnvironment.Count > 0 ? offer.UnsafeEnvironment : null,
            Timeout = offer.Timeout > TimeSpan.Zero ? offer.Timeout : null,
            Sandboxes = offer.Sandboxes.Count > 0 ? offer.Sandboxes : null,
            AuditedArguments = offer.AuditedArguments.Count > 0 ? offer.AuditedArguments : null,
        };
    }
}
