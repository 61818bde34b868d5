
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ
 
SoftsignSoftsignx*
T0
 
yIdentitySoftsign*
T0
 
IdentityIdentityy*
T0"ª