
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ
$

LogSoftmax
LogSoftmaxx*
T0
"
yIdentity
LogSoftmax*
T0
 
IdentityIdentityy*
T0"ª