// What PowerShell 7.3 and later let others derive from, to carry its remoting protocol over a transport of their own. PowerShellStandard.Library,
// the only reference that is to be had, stands for 5.1 and lacks it. These are the signatures that Cage.PowerShell.Transport is compiled
// against, and no more; at run time it meets PowerShell's own. A type that is named only because a signature has it is empty here.
// Source: the public members of System.Management.Automation 7.4 (engine/remoting in PowerShell's repository).
namespace System.Management.Automation
{
    public sealed class PSCredential;

    public abstract class PSCmdlet;
}

namespace System.Management.Automation.Internal
{
    public abstract class PSRemotingCryptoHelper;
}

namespace System.Management.Automation.Runspaces
{
    using System.Management.Automation.Internal;
    using System.Management.Automation.Remoting.Client;

    public enum AuthenticationMechanism
    {
        Default,
    }

    public abstract class Runspace;

    public abstract class RunspaceConnectionInfo
    {
        public abstract string ComputerName { get; set; }

        public abstract PSCredential Credential { get; set; }

        public abstract AuthenticationMechanism AuthenticationMechanism { get; set; }

        public abstract string CertificateThumbprint { get; set; }

        public virtual RunspaceConnectionInfo Clone() => throw null!;

        public virtual BaseClientSessionTransportManager CreateClientSessionTransportManager(
            Guid instanceId, string sessionName, PSRemotingCryptoHelper cryptoHelper) => throw null!;
    }

    public sealed class PSSession
    {
        private PSSession()
        {
        }

        public static PSSession Create(Runspace runspace, string transportName, PSCmdlet psCmdlet) => throw null!;
    }
}

namespace System.Management.Automation.Remoting
{
    public enum TransportMethodEnum
    {
        CreateShellEx = 0,
        CloseShellOperationEx = 4,
    }

    public class PSRemotingTransportException(string message, Exception? innerException) : Exception(message, innerException);

    public sealed class TransportErrorOccuredEventArgs : EventArgs
    {
        public TransportErrorOccuredEventArgs(PSRemotingTransportException e, TransportMethodEnum m) => throw null!;
    }

    public abstract class BaseTransportManager : IDisposable
    {
        public virtual void RaiseErrorHandler(TransportErrorOccuredEventArgs eventArgs) => throw null!;

        public void Dispose() => throw null!;

        protected virtual void Dispose(bool isDisposing) => throw null!;
    }
}

namespace System.Management.Automation.Remoting.Client
{
    using System.Management.Automation.Internal;

    public abstract class BaseClientTransportManager : BaseTransportManager
    {
        public abstract void CreateAsync();
    }

    public abstract class BaseClientSessionTransportManager : BaseClientTransportManager;

    public abstract class ClientSessionTransportManagerBase : BaseClientSessionTransportManager
    {
        protected ClientSessionTransportManagerBase(Guid runspaceId, PSRemotingCryptoHelper cryptoHelper) => throw null!;

        protected abstract void CleanupConnection();

        // Declared here as well, because base.Dispose(…) is compiled to a call of the nearest declaration that is in sight.
        protected override void Dispose(bool isDisposing) => throw null!;

        protected void HandleOutputDataReceived(string data) => throw null!;

        protected void SendOneItem() => throw null!;

        protected void SetMessageWriter(TextWriter textWriter) => throw null!;
    }
}
